//! The build service: a program beside clusters that makes images with BuildKit. It speaks gRPC, `grpc_build_v1.Build`.

pub mod address;
mod call;
pub mod message;
mod status;
pub mod tls;
mod upload;

pub use self::{
    address::Address,
    call::{NOT_SUPPORTED, build},
    tls::Security,
};

/// Where it is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Service {
    /// Where.
    pub address: Address,
    /// How.
    pub security: Security,
}
