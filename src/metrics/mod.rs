//! Numbers about this server, for Prometheus; docs/metrics.md names each. Labels are routes, methods, statuses, kinds and outcomes:
//! never names of apps, users or anything else that people make.

mod deploy;
mod event;
mod http;
mod login;
mod process;
mod store;
mod webhook;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector};

pub use deploy::DeployMetrics;
pub use event::EventMetrics;
pub use http::HttpMetrics;
pub use login::LoginMetrics;
pub use store::StoreMetrics;
pub use webhook::WebhookMetrics;

use crate::error::{Error, Result};
use process::Readings;

/// Bounds in seconds of what should take well under a second: answers, waits.
const SHORT: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Bounds in seconds of commands to the store.
const SHORTEST: [f64; 8] = [0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.0];
/// Bounds in seconds of work: builds and rollouts take minutes.
const LONG: [f64; 10] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0];

#[expect(clippy::expect_used, reason = "names and labels are constants; a test makes each")]
fn made<T>(metric: prometheus::Result<T>) -> T {
    metric.expect("a metric of constant name and labels")
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    made(IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(name: &str, help: &str) -> IntGauge {
    made(IntGauge::new(name, help))
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    made(IntGaugeVec::new(Opts::new(name, help), labels))
}

fn times(name: &str, help: &str, bounds: &[f64], labels: &[&str]) -> HistogramVec {
    made(HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.into()), labels))
}

/// Metrics of one concern.
trait Group {
    fn collectors(&self) -> Vec<Box<dyn Collector>>;
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// Requests.
    pub http: HttpMetrics,
    /// Deploys.
    pub deploys: DeployMetrics,
    /// Logins.
    pub logins: LoginMetrics,
    /// Calls of webhooks.
    pub webhooks: WebhookMetrics,
    events_running: IntGauge,
    apps: IntGauge,
    units: IntGaugeVec,
}

impl Metrics {
    /// Counts nothing yet, and shows what events and the store count.
    pub fn new(events: &EventMetrics, store: &StoreMetrics) -> Self {
        let metrics = Self {
            registry: Registry::new(),
            http: HttpMetrics::default(),
            deploys: DeployMetrics::default(),
            logins: LoginMetrics::default(),
            webhooks: WebhookMetrics::default(),
            events_running: gauge("impaas_events_running", "Events that run in this server."),
            apps: gauge("impaas_apps", "Apps that the provisioner runs or has stopped."),
            units: gauges("impaas_units", "Units of apps, by status.", &["status"]),
        };
        let groups: [&dyn Group; 6] = [&metrics.http, events, store, &metrics.deploys, &metrics.logins, &metrics.webhooks];
        groups.into_iter().flat_map(Group::collectors).for_each(|collector| metrics.show(collector));
        metrics.show(Box::new(metrics.events_running.clone()));
        metrics.show(Box::new(metrics.apps.clone()));
        metrics.show(Box::new(metrics.units.clone()));
        metrics.show(Box::new(Readings::default()));
        metrics
    }

    fn show(&self, metric: Box<dyn Collector>) {
        made(self.registry.register(metric));
    }

    /// What runs now: events of this server, apps, and units by status.
    pub fn now_running<'a>(&self, events: usize, apps: usize, units: impl IntoIterator<Item = (&'a str, usize)>) {
        self.events_running.set(whole(events));
        self.apps.set(whole(apps));
        self.units.reset();
        for (status, count) in units {
            self.units.with_label_values(&[status]).set(whole(count));
        }
    }

    /// All numbers in Prometheus' text format.
    pub fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// How something ended, as a label.
fn outcome<T>(of: &Result<T>) -> &'static str {
    if of.is_ok() { "ok" } else { "error" }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;

    /// A line of the exposition or of the page: name, type, labels.
    type Line = (String, String, Vec<String>);

    /// Everything once, so that every family shows.
    fn each_once() -> String {
        let (events, store) = (EventMetrics::default(), StoreMetrics::default());
        let metrics = Metrics::new(&events, &store);
        let instant = Duration::from_millis(1);
        metrics.http.running().answered("GET", "/apps", 200, instant);
        events.begun("app.create");
        events.ended("app.create", "ok", instant);
        events.refused("locked");
        events.waited("app", "taken", instant);
        events.lock_lost();
        events.abandoned();
        store.done("apps", "find", instant);
        store.failed("insert", "duplicate");
        metrics.deploys.done("image", &Ok(()), instant);
        metrics.logins.done("native", &Ok(()));
        metrics.webhooks.done("delivered", instant);
        metrics.now_running(1, 1, [("started", 1)]);
        metrics.text().unwrap()
    }

    fn exposed(text: &str) -> BTreeSet<Line> {
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        types.map(|(name, kind)| (name.to_owned(), kind.to_owned(), labels(text, name))).collect()
    }

    fn labels(text: &str, name: &str) -> Vec<String> {
        let sample = text.lines().find(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name}_bucket{{")));
        let inside = sample.and_then(|line| Some(line.split_once('{')?.1.split_once('}')?.0)).unwrap_or_default();
        let names = inside.split("\",").filter_map(|pair| pair.split_once('=')).map(|(label, _)| label.to_owned());
        let mut names: Vec<_> = names.filter(|label| label != "le").collect();
        names.sort();
        names
    }

    /// `| name | type | unit | labels | meaning |`
    fn documented() -> BTreeSet<Line> {
        let page = include_str!("../../docs/metrics.md");
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let cells: Vec<_> = row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            let mut labels: Vec<_> = cells[4].split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
            labels.sort();
            (cells[1].clone(), cells[2].clone(), labels)
        })
        .collect()
    }

    #[test]
    fn the_page_on_metrics_names_each_and_no_other() {
        let exposed = exposed(&each_once());
        assert!(exposed.len() > 20, "{exposed:?}");
        assert_eq!(exposed, documented());
    }

    #[test]
    fn units_of_a_status_that_is_over_are_no_longer_shown() {
        let metrics = Metrics::new(&EventMetrics::default(), &StoreMetrics::default());
        metrics.now_running(0, 1, [("starting", 2)]);
        metrics.now_running(0, 1, [("started", 2)]);
        let text = metrics.text().unwrap();
        assert!(text.contains("impaas_units{status=\"started\"} 2") && !text.contains("starting"), "{text}");
    }
}
