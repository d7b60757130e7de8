//! Counts what the backend is asked to do.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use super::{Result, StoreError};
use crate::metrics::StoreMetrics;

/// A collection and what is asked of it.
type Named = (&'static str, &'static str);

/// Commands so far.
#[derive(Debug, Default)]
pub struct Commands {
    reads: AtomicU64,
    writes: AtomicU64,
    metrics: StoreMetrics,
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

    /// What is shown of them.
    pub fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    /// Counts and times a command that changes nothing.
    pub(super) async fn read<T>(&self, (collection, operation): Named, command: impl Future<Output = Result<T>>) -> Result<T> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.timed((collection, operation), command).await
    }

    /// Counts and times a command that may change something.
    pub(super) async fn write<T>(&self, (collection, operation): Named, command: impl Future<Output = Result<T>>) -> Result<T> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.timed((collection, operation), command).await
    }

    async fn timed<T>(&self, (collection, operation): Named, command: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        let outcome = command.await;
        self.metrics.done(collection, operation, began.elapsed());
        match &outcome {
            Ok(_) => {}
            Err(StoreError::Duplicate(_)) => self.metrics.failed(operation, "duplicate"),
            Err(StoreError::Away(_)) => self.metrics.failed(operation, "away"),
            Err(StoreError::Fault(_)) => self.metrics.failed(operation, "fault"),
        }
        outcome
    }
}
