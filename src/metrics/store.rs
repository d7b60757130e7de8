//! Commands to the store.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, core::Collector};

use super::{Group, SHORTEST, counters, times};

/// What is counted about the store.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    seconds: HistogramVec,
    errors: IntCounterVec,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        let labels = &["collection", "operation"];
        Self {
            seconds: times("impaas_store_command_seconds", "Seconds of commands to the store.", &SHORTEST, labels),
            errors: counters("impaas_store_errors_total", "Commands that the store did not do.", &["operation", "error"]),
        }
    }
}

impl StoreMetrics {
    /// The store answered.
    pub fn done(&self, collection: &str, operation: &str, took: Duration) {
        self.seconds.with_label_values(&[collection, operation]).observe(took.as_secs_f64());
    }

    /// It did not do it: `duplicate`, `away` or `fault`.
    pub fn failed(&self, operation: &str, error: &str) {
        self.errors.with_label_values(&[operation, error]).inc();
    }
}

impl Group for StoreMetrics {
    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.seconds.clone()), Box::new(self.errors.clone())]
    }
}
