//! Requests.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, IntGauge, core::Collector};

use super::{Group, SHORT, counters, gauge, times};

/// What is counted about requests.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    running: IntGauge,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: counters("impaas_http_requests_total", "Requests, by route and status.", &["method", "route", "status"]),
            seconds: times("impaas_http_request_seconds", "Seconds until an answer began, by route.", &SHORT, &["method", "route"]),
            running: gauge("impaas_http_requests_running", "Requests whose answer did not begin yet."),
        }
    }
}

impl HttpMetrics {
    /// A request began. It runs until this is dropped.
    pub fn running(&self) -> RunningRequest<'_> {
        self.running.inc();
        RunningRequest(self)
    }
}

impl Group for HttpMetrics {
    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.requests.clone()), Box::new(self.seconds.clone()), Box::new(self.running.clone())]
    }
}

/// A request whose answer did not begin yet.
#[derive(Debug)]
pub struct RunningRequest<'a>(&'a HttpMetrics);

impl RunningRequest<'_> {
    /// Its answer begins.
    pub fn answered(self, method: &str, route: &str, status: u16, took: Duration) {
        self.0.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.0.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }
}

impl Drop for RunningRequest<'_> {
    fn drop(&mut self) {
        self.0.running.dec();
    }
}
