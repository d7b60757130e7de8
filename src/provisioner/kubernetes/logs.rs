//! What the app's units print, as the cluster keeps it, and what was said about the app here.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::DateTime;
use futures_util::{AsyncBufReadExt, StreamExt, future::join_all, io::BufReader, stream::BoxStream};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, ResourceExt, api::LogParams};
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Kubernetes,
    client::innermost,
    watch::{Cache, Owner},
};
use crate::{
    clock::Time,
    error::Result,
    provisioner::{LogLine, LogQuery, Logs},
};

/// Lines of an app that are kept here: what deploys and people said, not what units print.
const KEPT: usize = 500;
/// Lines that wait for a slow reader.
const WAITING: usize = 1000;
/// Of each unit, when nobody says how many.
const USUAL: usize = 100;
/// A line longer than this is cut: it could be all of the memory.
const LONGEST: usize = 64 * 1024;

/// Lines said here, by app. They live as long as the server.
#[derive(Default)]
pub struct Said(Mutex<HashMap<String, Lines>>);

struct Lines {
    kept: VecDeque<LogLine>,
    live: broadcast::Sender<LogLine>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { kept: VecDeque::new(), live: broadcast::Sender::new(WAITING) }
    }
}

impl Said {
    /// Adds a line.
    pub fn add(&self, app: &str, line: LogLine) {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = apps.entry(app.to_owned()).or_default();
        if lines.kept.len() >= KEPT {
            lines.kept.pop_front();
        }
        lines.kept.push_back(line.clone());
        // Nobody may be listening.
        lines.live.send(line).ok();
    }

    /// Forgets an app.
    pub fn forget(&self, app: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(app);
    }

    fn past(&self, app: &str) -> Vec<LogLine> {
        let apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        apps.get(app).map(|lines| lines.kept.iter().cloned().collect()).unwrap_or_default()
    }

    fn live(&self, app: &str) -> broadcast::Receiver<LogLine> {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        apps.entry(app.to_owned()).or_default().live.subscribe()
    }
}

/// Everything logs are read from.
#[derive(Clone)]
pub struct Sources {
    /// The cluster.
    pub client: Client,
    /// Its pods.
    pub pods: Arc<Cache<Pod>>,
    /// What was said here.
    pub said: Arc<Said>,
    /// Whose: an app's, or a job's.
    pub of: fn(String) -> Owner,
    /// Only those of this namespace.
    pub namespace: Option<String>,
}

impl Sources {
    /// Of apps, wherever they are.
    pub fn of_apps(client: Client, pods: Arc<Cache<Pod>>, said: Arc<Said>) -> Self {
        Self { client, pods, said, of: Owner::App, namespace: None }
    }

    /// Past lines by time, then live ones when asked for.
    pub async fn logs(self, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        // Listening begins before the past is read: nothing falls between.
        let said = query.follow.then(|| self.said.live(&query.app));
        let lines = self.past(&query).await;
        let past = tokio_stream::iter(lines);
        let Some(said) = said else { return Ok(past.boxed()) };
        let (to, live) = mpsc::channel(WAITING);
        tokio::spawn(forward_said(said, query.clone(), to.clone()));
        tokio::spawn(self.follow(query, to));
        Ok(past.chain(ReceiverStream::new(live)).boxed())
    }

    async fn past(&self, query: &LogQuery) -> Vec<LogLine> {
        let tail = if query.lines == 0 { USUAL } else { query.lines };
        let pods = self.pods_of(query);
        let of_pods = join_all(pods.iter().map(|pod| self.of_pod(pod, tail))).await;
        let said = self.said.past(&query.app).into_iter().filter(|line| wants_said(query, line));
        let mut lines: Vec<LogLine> = of_pods.into_iter().flatten().chain(said).collect();
        lines.sort_by_key(|line| line.date);
        let more = lines.len().saturating_sub(tail);
        lines.split_off(more)
    }

    /// Units whose lines are wanted and can be had.
    fn pods_of(&self, query: &LogQuery) -> Vec<Arc<Pod>> {
        let wanted = |pod: &Arc<Pod>| {
            let status = pod.status.as_ref();
            let can_be_had =
                status.is_some_and(|status| status.phase.as_deref() != Some("Pending") && status.reason.as_deref() != Some("Evicted"));
            can_be_had && is_wanted(query, pod)
        };
        let here = |pod: &Arc<Pod>| self.namespace.is_none() || self.namespace == pod.namespace();
        self.pods.owned_by(&(self.of)(query.app.clone())).into_iter().filter(here).filter(wanted).collect()
    }

    async fn of_pod(&self, pod: &Pod, tail: usize) -> Vec<LogLine> {
        let (to, from) = mpsc::channel(WAITING);
        // The sender ends with the reading, and with it the taking.
        let reading = async move { self.read(pod, tail, false, &to).await };
        futures_util::future::join(reading, ReceiverStream::new(from).collect()).await.1
    }

    async fn read(&self, pod: &Pod, tail: usize, follow: bool, to: &mpsc::Sender<LogLine>) {
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.first()).map(|container| container.name.clone());
        let tail_lines = Some(i64::try_from(tail).unwrap_or(i64::MAX));
        let asked = LogParams { container, follow, tail_lines, timestamps: true, ..LogParams::default() };
        let api = Api::<Pod>::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
        let fault = match api.log_stream(&pod.name_any(), &asked).await {
            Ok(stream) => pass_on(BufReader::new(stream), pod, to).await.err().map(|e| e.to_string()),
            Err(e) => Some(innermost(&e)),
        };
        if let Some(fault) = fault {
            to.send(note(format!("Could not get logs from unit: {}, error: {fault}", pod.name_any()))).await.ok();
        }
    }

    /// Reads units as they come, until nobody listens.
    async fn follow(self, query: LogQuery, to: mpsc::Sender<LogLine>) {
        let (mut changes, mut known) = (self.pods.changes(), HashSet::new());
        let mut first = true;
        loop {
            for pod in self.pods_of(&query) {
                if known.insert(pod.name_any()) {
                    let (sources, to, later, tail) = (self.clone(), to.clone(), !first, query.lines);
                    tokio::spawn(async move {
                        if later && to.send(note(format!("Starting to watch new unit: {}", pod.name_any()))).await.is_err() {
                            return;
                        }
                        tokio::select! {
                            () = to.closed() => {}
                            () = sources.read(&pod, if later { tail } else { 0 }, true, &to) => {}
                        }
                    });
                }
            }
            first = false;
            tokio::select! {
                () = to.closed() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }
}

async fn pass_on(mut from: impl futures_util::AsyncBufRead + Unpin, pod: &Pod, to: &mpsc::Sender<LogLine>) -> std::io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        line.truncate(LONGEST);
        if to.send(parsed(&String::from_utf8_lossy(&line), pod)).await.is_err() {
            return Ok(());
        }
    }
}

/// `2026-11-20T23:45:02.4Z text`.
fn parsed(line: &str, pod: &Pod) -> LogLine {
    let line = line.trim();
    let (date, message) = match line.split_once(' ') {
        Some((date, message)) => (DateTime::parse_from_rfc3339(date).ok(), message),
        None => (None, line),
    };
    let date = date.map_or_else(Time::zero, |date| Time::from_millis(date.timestamp_millis()));
    LogLine { date, message: message.to_owned(), source: process(pod).to_owned(), unit: pod.name_any() }
}

fn process(pod: &Pod) -> &str {
    pod.labels().get("tsuru.io/app-process").map(String::as_str).unwrap_or_default()
}

fn note(message: String) -> LogLine {
    LogLine { date: Time::now(), message, source: "kubernetes".into(), unit: "apiserver".into() }
}

fn is_wanted(query: &LogQuery, pod: &Pod) -> bool {
    let of_source = query.invert_source || query.source.as_deref().is_none_or(|source| source.is_empty() || source == process(pod));
    of_source && (query.units.is_empty() || query.units.contains(&pod.name_any()))
}

/// Of what was said here the source can also be the one that is not wanted.
fn wants_said(query: &LogQuery, line: &LogLine) -> bool {
    let same = query.source.as_deref().is_none_or(|source| source.is_empty() || (source == line.source) != query.invert_source);
    same && (query.units.is_empty() || query.units.contains(&line.unit))
}

async fn forward_said(mut from: broadcast::Receiver<LogLine>, query: LogQuery, to: mpsc::Sender<LogLine>) {
    loop {
        let line = tokio::select! {
            () = to.closed() => return,
            line = from.recv() => line,
        };
        match line {
            Ok(line) if wants_said(&query, &line) => {
                if to.send(line).await.is_err() {
                    return;
                }
            }
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

#[async_trait]
impl Logs for Kubernetes {
    async fn logs(&self, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        self.is_known(&self.pods).await?;
        self.sources().logs(query).await
    }

    async fn log(&self, app: &str, line: LogLine) -> Result<()> {
        self.said.add(app, line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "a-web-1", "labels": {"tsuru.io/app-process": "web"}}})).unwrap()
    }

    #[test]
    fn a_line_of_the_cluster_has_its_time_first() {
        let line = parsed("2026-11-20T23:45:02.410000000Z GET / 200\n", &pod());
        assert_eq!((line.date.rfc3339().as_str(), line.message.as_str()), ("2026-11-20T23:45:02.410Z", "GET / 200"));
        assert_eq!((line.source.as_str(), line.unit.as_str()), ("web", "a-web-1"));
        assert!(parsed("alone", &pod()).date.is_zero());
    }

    #[test]
    fn a_source_selects_units_and_inverted_only_what_was_said_here() {
        let query = |source: &str, invert| LogQuery { source: Some(source.into()), invert_source: invert, ..LogQuery::default() };
        assert!(is_wanted(&query("web", false), &pod()) && !is_wanted(&query("tsuru", false), &pod()));
        assert!(is_wanted(&query("web", true), &pod()));
        let line = LogLine { source: "tsuru".into(), ..note(String::new()) };
        assert!(wants_said(&query("tsuru", false), &line) && !wants_said(&query("tsuru", true), &line));
        assert!(wants_said(&LogQuery::default(), &line));
    }

    #[test]
    fn only_the_newest_of_what_was_said_is_kept() {
        let said = Said::default();
        (0..KEPT + 5).for_each(|i| said.add("a", note(i.to_string())));
        let past = said.past("a");
        assert_eq!((past.len(), past[0].message.as_str()), (KEPT, "5"));
        said.forget("a");
        assert!(said.past("a").is_empty());
    }
}
