//! What the driver's errors mean to us.

use mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::store::StoreError;

/// Codes that say that the server, or its primary, is not there now.
const AWAY: [i32; 17] = [6, 7, 18, 50, 64, 89, 91, 100, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];
/// Codes of a taken unique key.
const TAKEN: [i32; 3] = [11000, 11001, 12582];

/// The same in the store's terms.
pub fn store_error(collection: &str, e: &Error) -> StoreError {
    match said(e) {
        Some((code, message)) if TAKEN.contains(&code) => StoreError::Duplicate(index(message).unwrap_or(collection).to_owned()),
        Some((code, _)) if !AWAY.contains(&code) && !e.contains_label("RetryableWriteError") => fault(collection, e),
        Some(_) => away(e),
        None if unreachable(e) => away(e),
        None => fault(collection, e),
    }
}

fn away(e: &Error) -> StoreError {
    StoreError::Away(format!("mongodb: {}", e.kind))
}

fn fault(collection: &str, e: &Error) -> StoreError {
    StoreError::Fault(format!("mongodb: {collection}: {}", e.kind))
}

/// The code and text that a server answered.
fn said(e: &Error) -> Option<(i32, &str)> {
    match e.kind.as_ref() {
        ErrorKind::Command(said) => Some((said.code, &said.message)),
        ErrorKind::Write(WriteFailure::WriteError(said)) => Some((said.code, &said.message)),
        ErrorKind::Write(WriteFailure::WriteConcernError(said)) => Some((said.code, &said.message)),
        ErrorKind::InsertMany(many) => match (many.write_errors.as_ref().and_then(|all| all.first()), &many.write_concern_error) {
            (Some(said), _) => Some((said.code, &said.message)),
            (None, said) => said.as_ref().map(|said| (said.code, said.message.as_str())),
        },
        _ => None,
    }
}

fn unreachable(e: &Error) -> bool {
    use ErrorKind::{Authentication, ConnectionPoolCleared, DnsResolve, Io, ServerSelection, Shutdown};
    let away = |kind: &ErrorKind| {
        matches!(kind, Authentication { .. } | ConnectionPoolCleared { .. } | DnsResolve { .. } | Io(_) | ServerSelection { .. } | Shutdown)
    };
    away(&e.kind)
}

/// `E11000 duplicate key error collection: tsuru.users index: email_1 dup key: ...` names the index.
fn index(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("index: ")?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::index;

    #[test]
    fn a_duplicate_names_its_index() {
        let said = "E11000 duplicate key error collection: tsuru.users index: email_1 dup key: { email: \"a\" }";
        assert_eq!(index(said), Some("email_1"));
        assert_eq!(index("E11000 duplicate key"), None);
    }
}
