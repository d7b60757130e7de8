//! Events and their locks.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounter, IntCounterVec, core::Collector};

use super::{Group, LONG, SHORT, counters, made, times};

/// What is counted about events.
#[derive(Clone, Debug)]
pub struct EventMetrics {
    begun: IntCounterVec,
    ended: IntCounterVec,
    seconds: HistogramVec,
    refused: IntCounterVec,
    waits: HistogramVec,
    lost: IntCounter,
    abandoned: IntCounter,
}

impl Default for EventMetrics {
    fn default() -> Self {
        let one = |name, help| made(IntCounter::new(name, help));
        Self {
            begun: counters("impaas_events_begun_total", "Events that began, by kind.", &["kind"]),
            ended: counters("impaas_events_ended_total", "Events that ended, by kind and outcome.", &["kind", "outcome"]),
            seconds: times("impaas_event_seconds", "Seconds from begin to end of an event, by kind.", &LONG, &["kind"]),
            refused: counters("impaas_events_refused_total", "Events that did not begin: locked, blocked or throttled.", &["why"]),
            waits: times("impaas_lock_wait_seconds", "Seconds until a lock was taken or refused.", &SHORT, &["target", "outcome"]),
            lost: one("impaas_locks_lost_total", "Locks that this server lost while it worked."),
            abandoned: one("impaas_events_abandoned_total", "Events of servers that died, closed by this one."),
        }
    }
}

impl EventMetrics {
    /// An event began.
    pub fn begun(&self, kind: &str) {
        self.begun.with_label_values(&[kind]).inc();
    }

    /// An event ended: `ok`, `error`, `canceled`, `interrupted`, or `withdrawn` when nothing was done.
    pub fn ended(&self, kind: &str, outcome: &str, took: Duration) {
        self.ended.with_label_values(&[kind, outcome]).inc();
        self.seconds.with_label_values(&[kind]).observe(took.as_secs_f64());
    }

    /// An event did not begin: `locked`, `blocked` or `throttled`.
    pub fn refused(&self, why: &str) {
        self.refused.with_label_values(&[why]).inc();
    }

    /// A lock of such a target was `taken` or `refused` after so long.
    pub fn waited(&self, target: &str, outcome: &str, took: Duration) {
        self.waits.with_label_values(&[target, outcome]).observe(took.as_secs_f64());
    }

    /// A lock was lost while its holder worked.
    pub fn lock_lost(&self) {
        self.lost.inc();
    }

    /// An event of a server that died was closed.
    pub fn abandoned(&self) {
        self.abandoned.inc();
    }
}

impl Group for EventMetrics {
    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let vectors = [&self.begun, &self.ended, &self.refused].map(|counter| Box::new(counter.clone()) as Box<dyn Collector>);
        let times = [&self.seconds, &self.waits].map(|times| Box::new(times.clone()) as Box<dyn Collector>);
        let single = [&self.lost, &self.abandoned].map(|counter| Box::new(counter.clone()) as Box<dyn Collector>);
        vectors.into_iter().chain(times).chain(single).collect()
    }
}
