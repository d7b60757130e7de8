//! The log of a running event: it grows in the store as it is written, so a crash keeps what was said.

use std::sync::{Arc, Mutex};

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as Turn;

use super::document::LogEntry;
use crate::{
    clock::Time,
    error::Result,
    output::Sink,
    store::{Document, Filter, Find, Index, IndexKey, Spec, Store, StoreError},
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
    /// Held by who writes to the store, or reads it to its end.
    turn: Turn<()>,
}

#[derive(Default)]
struct State {
    partial: String,
    pending: Vec<LogEntry>,
    /// Is being written, or may have been.
    writing: Option<Arc<Chunk>>,
    flushed: i64,
    bytes: usize,
}

impl EventLog {
    /// An empty log.
    pub fn new(event: ObjectId) -> Self {
        Self { event, state: Mutex::default(), turn: Turn::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes what is pending to the store. Where that fails it is written again next time.
    pub async fn flush(&self, store: &Store) -> Result<()> {
        let _turn = self.turn.lock().await;
        let next = self.lock().next(self.event);
        match next {
            Some(chunk) => self.write(store, &chunk).await,
            None => Ok(()),
        }
    }

    async fn write(&self, store: &Store, chunk: &Chunk) -> Result<()> {
        match store.of::<Chunk>().insert(chunk).await {
            // It was written the last time, although nobody said so.
            Ok(()) | Err(StoreError::Duplicate(_)) => {}
            Err(other) => return Err(other.into()),
        }
        let mut state = self.lock();
        (state.writing, state.flushed) = (None, chunk.seq);
        Ok(())
    }

    /// All lines, of an event that ends. They stay where they are, for when its end cannot be written yet.
    pub async fn finish(&self, store: &Store) -> Result<Vec<LogEntry>> {
        let _turn = self.turn.lock().await;
        let writing = self.lock().writing.clone();
        if let Some(chunk) = writing {
            self.write(store, &chunk).await?;
        }
        let is_in_store = {
            let mut state = self.lock();
            let rest = std::mem::take(&mut state.partial);
            if !rest.is_empty() {
                state.push(&rest);
            }
            state.flushed > 0
        };
        let mut all = if is_in_store { lines(store, self.event).await? } else { Vec::new() };
        all.extend(self.lock().pending.iter().cloned());
        Ok(all)
    }

    /// They are in the event's document now.
    pub async fn kept(&self, store: &Store) -> Result<()> {
        let _turn = self.turn.lock().await;
        let is_in_store = {
            let mut state = self.lock();
            state.pending.clear();
            state.flushed > 0
        };
        if is_in_store { forget(store, self.event).await } else { Ok(()) }
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
    /// What is to be written next.
    fn next(&mut self, event: ObjectId) -> Option<Arc<Chunk>> {
        if self.writing.is_none() && !self.pending.is_empty() {
            let lines = std::mem::take(&mut self.pending);
            self.writing = Some(Arc::new(Chunk { id: ObjectId::new(), event, seq: self.flushed + 1, lines }));
        }
        self.writing.clone()
    }

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

/// Removes the pieces of an event whose log is in its document now.
pub async fn forget(store: &Store, event: ObjectId) -> Result<()> {
    store.of::<Chunk>().delete(Filter::eq("event", event)).await?;
    Ok(())
}
