//! Deploys.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, core::Collector};

use super::{Group, LONG, counters, outcome, times};
use crate::error::Result;

/// What is counted about deploys.
#[derive(Clone, Debug)]
pub struct DeployMetrics {
    deploys: IntCounterVec,
    seconds: HistogramVec,
}

impl Default for DeployMetrics {
    fn default() -> Self {
        Self {
            deploys: counters("impaas_deploys_total", "Deploys, builds and rollbacks of apps.", &["kind", "outcome"]),
            seconds: times("impaas_deploy_seconds", "Seconds of a deploy that went well, by kind.", &LONG, &["kind"]),
        }
    }
}

impl DeployMetrics {
    /// A deploy of this kind ended.
    pub fn done<T>(&self, kind: &str, how: &Result<T>, took: Duration) {
        self.deploys.with_label_values(&[kind, outcome(how)]).inc();
        if how.is_ok() {
            self.seconds.with_label_values(&[kind]).observe(took.as_secs_f64());
        }
    }
}

impl Group for DeployMetrics {
    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.deploys.clone()), Box::new(self.seconds.clone())]
    }
}
