//! The one thread that writes. Changes that wait together share a transaction, and so a flush to the disk; each has a savepoint of
//! its own, and none is answered before the commit.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::fault;
use crate::store::{Result, StoreError};

/// How many changes share a transaction at most.
const BATCH: usize = 128;

/// Tells the caller, once it is known whether the transaction was committed.
type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// Does the work, or only hears why it cannot.
type Job = Box<dyn FnOnce(Result<&Connection>) -> Answer + Send>;

/// The thread and the way to it.
pub struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread with this connection.
    pub fn start(conn: Connection) -> Result<Self> {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || serve(&conn, &queue));
        let thread = thread.map_err(|e| StoreError::Away(e.to_string()))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does this in a transaction, all of it or nothing; what it gives is on the disk.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (to, answer) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let done = conn.and_then(|conn| apart(conn, work));
            Box::new(move |committed| drop(to.send(committed.and(done))))
        });
        let stopped = || StoreError::Away("the writer has stopped".into());
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(stopped)?;
        answer.await.ok().ok_or_else(stopped)?
    }
}

impl Drop for Writer {
    /// What was accepted is still done, and the file is closed in order.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn serve(conn: &Connection, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let jobs = std::iter::once(first).chain(queue.try_iter().take(BATCH - 1));
        let begun = conn.execute_batch("BEGIN IMMEDIATE").map_err(fault);
        let mut state = begun;
        let answers: Vec<Answer> = jobs.map(|job| step(conn, &mut state, job)).collect();
        let end = state.and_then(|()| conn.execute_batch("COMMIT").map_err(fault));
        if end.is_err() && !conn.is_autocommit() {
            drop(conn.execute_batch("ROLLBACK"));
        }
        answers.into_iter().for_each(|answer| answer(end.clone()));
    }
}

/// One job of a batch. A full disk makes SQLite give up the whole transaction: then none of the batch has happened.
fn step(conn: &Connection, state: &mut Result<()>, job: Job) -> Answer {
    let answer = job(state.clone().map(|()| conn));
    if state.is_ok() && conn.is_autocommit() {
        *state = Err(StoreError::Away("sqlite: the transaction was given up (disk full?)".into()));
    }
    answer
}

fn apart<T>(conn: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    conn.execute_batch("SAVEPOINT one").map_err(fault)?;
    let done = work(conn);
    if !conn.is_autocommit() {
        let end = if done.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
        conn.execute_batch(end).map_err(fault)?;
    }
    done
}
