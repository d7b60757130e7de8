//! Opening the database file, and what its errors mean to us.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode};

use crate::store::{Result, StoreError};

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that writes. What it commits is on the disk when the commit returns.
pub fn writer(file: &Path) -> Result<Connection> {
    // Made here so that nobody else can read it; the files beside it get the same mode.
    let made = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
    made.map_err(|e| StoreError::Fault(format!("{}: {e}", file.display())))?;
    let conn = Connection::open(file).map_err(fault)?;
    conn.busy_timeout(PATIENCE).map_err(fault)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(fault)?;
    conn.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
    conn.pragma_update(None, "journal_size_limit", 64 << 20).map_err(fault)?;
    Ok(roomy(conn))
}

/// A connection that only reads.
pub fn reader(file: &Path) -> Result<Connection> {
    let conn = Connection::open(file).map_err(fault)?;
    conn.busy_timeout(PATIENCE).map_err(fault)?;
    conn.pragma_update(None, "query_only", true).map_err(fault)?;
    Ok(roomy(conn))
}

/// A database that ends with its connection.
pub fn in_memory() -> Result<Connection> {
    Connection::open_in_memory().map(roomy).map_err(fault)
}

fn roomy(conn: Connection) -> Connection {
    conn.set_prepared_statement_cache_capacity(256);
    conn
}

/// A full disk, a busy or unreadable file: try again later. Anything else is a fault.
pub fn fault(e: rusqlite::Error) -> StoreError {
    use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure};
    let text = format!("sqlite: {e}");
    match e.sqlite_error_code() {
        Some(CannotOpen | DatabaseBusy | DatabaseLocked | DiskFull | OutOfMemory | PermissionDenied | ReadOnly | SystemIoFailure) => {
            StoreError::Away(text)
        }
        _ => StoreError::Fault(text),
    }
}
