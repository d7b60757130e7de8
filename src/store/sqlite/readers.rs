//! A few connections that read beside the writer, each query on one consistent state.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection::{fault, reader};
use crate::store::{Result, StoreError};

/// How many read at once.
const MOST: usize = 4;

/// Connections that read.
pub struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    /// Reads this file.
    pub fn new(file: PathBuf) -> Arc<Self> {
        Arc::new(Self { file, idle: Mutex::default(), turns: Arc::new(Semaphore::new(MOST)) })
    }

    /// Reads, away from the async threads.
    pub async fn run<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let stopped = |e: &dyn std::fmt::Display| StoreError::Away(format!("reading stopped: {e}"));
        let turn = self.turns.clone().acquire_owned().await.map_err(|e| stopped(&e))?;
        let this = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let idle = this.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = idle.map_or_else(|| reader(&this.file), Ok)?;
            let done = at_once(&conn, work);
            if conn.is_autocommit() {
                this.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            }
            done
        });
        reading.await.map_err(|e| stopped(&e))?
    }
}

fn at_once<T>(conn: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    conn.execute_batch("BEGIN").map_err(fault)?;
    let done = work(conn);
    conn.execute_batch("COMMIT").map_err(fault)?;
    done
}
