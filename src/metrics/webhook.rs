//! Calls of webhooks.

use std::time::Duration;

use prometheus::{HistogramVec, core::Collector};

use super::{Group, SHORT, times};

/// What is counted about calls of webhooks.
#[derive(Clone, Debug)]
pub struct WebhookMetrics(HistogramVec);

impl Default for WebhookMetrics {
    fn default() -> Self {
        Self(times("impaas_webhook_call_seconds", "Seconds of calls of webhooks, by outcome.", &SHORT, &["outcome"]))
    }
}

impl WebhookMetrics {
    /// A call ended: `delivered`, `failed` (it is made again) or `given_up`.
    pub fn done(&self, outcome: &str, took: Duration) {
        self.0.with_label_values(&[outcome]).observe(took.as_secs_f64());
    }
}

impl Group for WebhookMetrics {
    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.0.clone())]
    }
}
