//! The log of a running event: it grows in the store as it is written, so a crash keeps what was said.

use std::sync::Mutex;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::document::LogEntry;
use crate::{
    clock::Time,
    error::Result,
    output::Sink,
    store::{Document, Filter, Find, Index, IndexKey, Spec, Store},
};

/// Bytes of log that an event keeps; a document may not pass 16 MiB.
const MOST: usize = 8 << 20;

/// A piece of a running event's log.
#[derive(Debug, Serialize, Deserialize)]
pub struct Chunk {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Whose.
    pub event: ObjectId,
    /// Order.
    #[serde(deserialize_with = "crate::store::lenient::int")]
    pub seq: i64,
    /// Lines.
    pub lines: Vec<LogEntry>,
}

impl Document for Chunk {
    const SPEC: &'static Spec = &Spec {
        name: "impaas_event_logs",
        indexes: &[Index { keys: &[IndexKey("event", false), IndexKey("seq", false)], unique: true, sparse: false }],
        sealed: &[],
    };
}

impl Chunk {
    /// A piece with these lines, said now.
    pub fn new(event: ObjectId, seq: i64, lines: Vec<String>) -> Self {
        let date = Time::now();
        Self { id: ObjectId::new(), event, seq, lines: lines.into_iter().map(|message| LogEntry { date, message }).collect() }
    }
}

/// Collects what is written until it is flushed.
pub struct EventLog {
    event: ObjectId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    partial: String,
    pending: Vec<LogEntry>,
    flushed: i64,
    bytes: usize,
}

impl EventLog {
    /// An empty log.
    pub fn new(event: ObjectId) -> Self {
        Self { event, state: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// True when pieces of it were written to the store.
    pub fn is_in_store(&self) -> bool {
        self.lock().flushed > 0
    }

    fn take(&self) -> Option<Chunk> {
        let mut state = self.lock();
        if state.pending.is_empty() {
            return None;
        }
        state.flushed += 1;
        let lines = std::mem::take(&mut state.pending);
        Some(Chunk { id: ObjectId::new(), event: self.event, seq: state.flushed, lines })
    }

    /// Writes what is pending to the store.
    pub async fn flush(&self, store: &Store) -> Result<()> {
        match self.take() {
            Some(chunk) => Ok(store.of::<Chunk>().insert(&chunk).await?),
            None => Ok(()),
        }
    }
}

impl Sink for EventLog {
    fn write(&self, text: &str) {
        let mut state = self.lock();
        state.partial.push_str(text);
        while let Some(end) = state.partial.find('\n') {
            let line: String = state.partial.drain(..=end).collect();
            state.push(line.trim_end_matches(['\n', '\r']));
        }
    }
}

impl State {
    /// Each line with its end, as tsuru's server writes it: an empty message makes its list of events panic.
    fn push(&mut self, line: &str) {
        if self.bytes >= MOST {
            return;
        }
        self.bytes += line.len();
        let line = if self.bytes >= MOST { "(the rest of this log was too long and is left out)" } else { line };
        self.pending.push(LogEntry { date: Time::now(), message: format!("{line}\n") });
    }
}

/// The lines so far of an event that runs or was interrupted.
pub async fn lines(store: &Store, event: ObjectId) -> Result<Vec<LogEntry>> {
    let find = Find { sort: Some(("seq", false)), ..Find::default() };
    let chunks = store.of::<Chunk>().find_with(Filter::eq("event", event), find).await?;
    Ok(chunks.into_iter().flat_map(|chunk| chunk.lines).collect())
}

/// All lines of an event that ends.
pub async fn finish(store: &Store, log: &EventLog) -> Result<Vec<LogEntry>> {
    {
        let mut state = log.lock();
        let rest = std::mem::take(&mut state.partial);
        if !rest.is_empty() {
            state.push(&rest);
        }
    }
    let mut all = if log.is_in_store() { lines(store, log.event).await? } else { Vec::new() };
    all.extend(std::mem::take(&mut log.lock().pending));
    Ok(all)
}

/// Removes the pieces of an event whose log is in its document now.
pub async fn forget(store: &Store, event: ObjectId) -> Result<()> {
    store.of::<Chunk>().delete(Filter::eq("event", event)).await?;
    Ok(())
}
