//! How a call failed, in the words of the programs that gRPC's users know.

use tonic::{Code, Status};

/// `rpc error: code = Unknown desc = ...`
pub fn told(status: &Status) -> String {
    rpc_error(code(status.code()), status.message())
}

/// The same of a call that could not be made.
pub fn unavailable(why: &str) -> String {
    rpc_error("Unavailable", why)
}

fn rpc_error(code: &str, why: &str) -> String {
    format!("rpc error: code = {code} desc = {why}")
}

fn code(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
