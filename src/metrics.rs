//! Numbers about this server, for Prometheus. Labels are routes, methods, statuses and kinds: never names of apps or users.

use std::{fs, sync::Arc, time::Duration};

use prometheus::{
    Counter, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::{
    error::{Error, Result},
    store::Commands,
};

/// Bounds of answer times in seconds: reads take well under a millisecond, deploys minutes.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[expect(clippy::expect_used, reason = "names and labels are constants; a test makes each")]
fn made<T>(metric: prometheus::Result<T>) -> T {
    metric.expect("a metric of constant name and labels")
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    made(IntCounterVec::new(Opts::new(name, help), labels))
}

/// What is counted about events.
#[derive(Clone, Debug)]
pub struct EventMetrics {
    begun: IntCounterVec,
    failed: IntCounterVec,
    refused: IntCounterVec,
}

impl Default for EventMetrics {
    fn default() -> Self {
        Self {
            begun: counters("impaas_events_begun_total", "Events that began, by kind.", &["kind"]),
            failed: counters("impaas_events_failed_total", "Events that ended with an error, by kind.", &["kind"]),
            refused: counters("impaas_events_refused_total", "Events that did not begin: locked or blocked.", &["why"]),
        }
    }
}

impl EventMetrics {
    /// An event began.
    pub fn begun(&self, kind: &str) {
        self.begun.with_label_values(&[kind]).inc();
    }

    /// An event ended with an error.
    pub fn failed(&self, kind: &str) {
        self.failed.with_label_values(&[kind]).inc();
    }

    /// An event found its target locked.
    pub fn locked(&self) {
        self.refused.with_label_values(&["locked"]).inc();
    }

    /// Too many events began of late.
    pub fn throttled(&self) {
        self.refused.with_label_values(&["throttled"]).inc();
    }

    /// An event was blocked.
    pub fn blocked(&self) {
        self.refused.with_label_values(&["blocked"]).inc();
    }
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Metrics {
    /// Counts requests, and shows what events and the store count.
    pub fn new(events: &EventMetrics, store_commands: Arc<Commands>) -> Self {
        let seconds = HistogramOpts::new("impaas_http_request_seconds", "Seconds until an answer began, by route.").buckets(SECONDS.into());
        let metrics = Self {
            registry: Registry::new(),
            requests: counters("impaas_http_requests_total", "Requests, by route and status.", &["method", "route", "status"]),
            seconds: made(HistogramVec::new(seconds, &["method", "route"])),
        };
        metrics.show(metrics.requests.clone());
        metrics.show(metrics.seconds.clone());
        metrics.show(events.begun.clone());
        metrics.show(events.failed.clone());
        metrics.show(events.refused.clone());
        metrics.show(Readings::new(store_commands));
        metrics
    }

    fn show(&self, metric: impl Collector + 'static) {
        made(self.registry.register(Box::new(metric)));
    }

    /// A request was answered.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// All numbers in Prometheus' text format.
    pub fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}

/// What is read when it is asked for: memory and processor time of this process, commands to the store.
struct Readings {
    memory: IntGauge,
    processor: Counter,
    commands: IntCounterVec,
    commands_so_far: Arc<Commands>,
}

/// The kernel's clock ticks of `/proc`, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE: i64 = 4096;

impl Readings {
    fn new(commands_so_far: Arc<Commands>) -> Self {
        Self {
            memory: made(IntGauge::new("process_resident_memory_bytes", "Resident memory in bytes.")),
            processor: made(Counter::new("process_cpu_seconds_total", "Processor time in seconds.")),
            commands: counters("impaas_store_commands_total", "Commands that the store was given.", &["kind"]),
            commands_so_far,
        }
    }

    fn read(&self) {
        for (kind, so_far) in [("read", self.commands_so_far.reads()), ("write", self.commands_so_far.writes())] {
            let counter = self.commands.with_label_values(&[kind]);
            counter.inc_by(so_far.saturating_sub(counter.get()));
        }
        let field = |text: &str, index| text.split_whitespace().nth(index).and_then(|word| word.parse::<u32>().ok());
        if let Some(pages) = fs::read_to_string("/proc/self/statm").ok().and_then(|text| field(&text, 1)) {
            self.memory.set(i64::from(pages) * PAGE);
        }
        // The command's name stands in brackets and may hold spaces.
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        if let (Some(user), Some(system)) = (field(rest, 11), field(rest, 12)) {
            let now = (f64::from(user) + f64::from(system)) / TICKS_PER_SECOND;
            self.processor.inc_by((now - self.processor.get()).max(0.0));
        }
    }
}

impl Collector for Readings {
    fn desc(&self) -> Vec<&Desc> {
        [self.memory.desc(), self.processor.desc(), self.commands.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        [self.memory.collect(), self.processor.collect(), self.commands.collect()].concat()
    }
}
