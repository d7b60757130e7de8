//! Counts this server's own writes per collection, so that what was read a moment ago is known to be still true.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Writes by collection. Reading is one atomic load per collection.
#[derive(Debug, Default)]
pub struct Changes(Mutex<HashMap<&'static str, Arc<AtomicU64>>>);

impl Changes {
    /// The counter of a collection.
    pub fn of(&self, collection: &'static str) -> Arc<AtomicU64> {
        let mut counters = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        counters.entry(collection).or_default().clone()
    }

    /// Counts a write. It is called before the write, and after it: who read in between reads again.
    pub(super) fn count(&self, collection: &'static str) {
        self.of(collection).fetch_add(1, Ordering::SeqCst);
    }
}
