//! Counts what the backend is asked to do.

use std::sync::atomic::{AtomicU64, Ordering};

/// Commands so far.
#[derive(Debug, Default)]
pub struct Commands {
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Commands {
    /// Commands that changed nothing, so far.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Commands that may have changed something, so far.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }
}
