//! What the app's units print, as the cluster keeps it, and what was said about the app here.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::{StreamExt, future::join_all, stream::BoxStream};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::{Client, ResourceExt};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Duration, sleep},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Kubernetes,
    client::{innermost, passes},
    pod_log::{PodLog, Printed},
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
/// Before a unit's log is opened again.
const AGAIN: Duration = Duration::from_secs(1);

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
        // Listening begins before the past is read, and goes on where that ended: nothing falls between.
        let (said, begun) = (query.follow.then(|| self.said.live(&query.app)), Timestamp::now());
        let (lines, read) = self.past(&query).await;
        let past = tokio_stream::iter(lines);
        let Some(said) = said else { return Ok(past.boxed()) };
        let (to, live) = mpsc::channel(WAITING);
        tokio::spawn(forward_said(said, query.clone(), to.clone()));
        let read = read.into_iter().map(|(pod, log)| (pod, log.since(begun))).collect();
        tokio::spawn(self.follow(query, read, to));
        Ok(past.chain(ReceiverStream::new(live)).boxed())
    }

    /// The past, and the log of each unit read so far.
    async fn past(&self, query: &LogQuery) -> (Vec<LogLine>, HashMap<String, PodLog>) {
        let tail = if query.lines == 0 { USUAL } else { query.lines };
        let pods = self.pods_of(query);
        let of_pods = join_all(pods.iter().map(|pod| self.of_pod(pod, tail))).await;
        let mut lines: Vec<LogLine> = self.said.past(&query.app).into_iter().filter(|line| wants_said(query, line)).collect();
        let mut read = HashMap::new();
        for (pod, (of_pod, log)) in pods.iter().zip(of_pods) {
            lines.extend(of_pod);
            read.insert(pod.name_any(), log);
        }
        lines.sort_by_key(|line| line.date);
        let more = lines.len().saturating_sub(tail);
        (lines.split_off(more), read)
    }

    /// Units whose lines are wanted and can be had. What a command of its own says goes to who runs it.
    fn pods_of(&self, query: &LogQuery) -> Vec<Arc<Pod>> {
        let wanted = |pod: &Arc<Pod>| {
            let status = pod.status.as_ref();
            let can_be_had =
                status.is_some_and(|status| status.phase.as_deref() != Some("Pending") && status.reason.as_deref() != Some("Evicted"));
            let unit = pod.spec.as_ref().is_none_or(|spec| spec.active_deadline_seconds.is_none());
            can_be_had && unit && is_wanted(query, pod)
        };
        let here = |pod: &Arc<Pod>| self.namespace.is_none() || self.namespace == pod.namespace();
        self.known(query).into_iter().filter(here).filter(wanted).collect()
    }

    fn known(&self, query: &LogQuery) -> Vec<Arc<Pod>> {
        self.pods.owned_by(&(self.of)(query.app.clone()))
    }

    async fn of_pod(&self, pod: &Pod, tail: usize) -> (Vec<LogLine>, PodLog) {
        let (mut log, mut lines) = (PodLog::of(&self.client, pod), Vec::new());
        let fault = match log.open(Some(tail), false).await {
            Ok(()) => loop {
                match log.next().await {
                    Ok(Some(printed)) => lines.push(line(printed, pod)),
                    Ok(None) => break None,
                    Err(e) => break Some(e.to_string()),
                }
            },
            Err(e) => Some(innermost(&e)),
        };
        lines.extend(fault.map(|fault| missing(pod, &fault)));
        (lines, log)
    }

    /// Reads units as they come, until nobody listens.
    async fn follow(self, query: LogQuery, mut read: HashMap<String, PodLog>, to: mpsc::Sender<LogLine>) {
        let (mut changes, mut known) = (self.pods.changes(), HashSet::new());
        loop {
            for pod in self.pods_of(&query) {
                if known.insert(pod.name_any()) {
                    let (sources, to, query, log) = (self.clone(), to.clone(), query.clone(), read.remove(&pod.name_any()));
                    tokio::spawn(async move {
                        tokio::select! {
                            () = to.closed() => {}
                            () = sources.follow_unit(&query, &pod, log, &to) => {}
                        }
                    });
                }
            }
            // A unit that is gone is not there again: its name is another one's then.
            known.retain(|name| self.known(&query).iter().any(|pod| pod.name_any() == *name));
            tokio::select! {
                () = to.closed() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Passes on what a unit prints, also after its container was started again or the connection broke. `log`: what was read of it.
    async fn follow_unit(&self, query: &LogQuery, pod: &Pod, log: Option<PodLog>, to: &mpsc::Sender<LogLine>) {
        let (mut tail, mut told) = (log.is_none().then_some(query.lines.max(USUAL)), false);
        if log.is_none() && to.send(note(format!("Starting to watch new unit: {}", pod.name_any()))).await.is_err() {
            return;
        }
        let mut log = log.unwrap_or_else(|| PodLog::of(&self.client, pod));
        loop {
            match log.open(tail, true).await {
                Ok(()) => {
                    tail = None;
                    while let Ok(Some(printed)) = log.next().await {
                        if to.send(line(printed, pod)).await.is_err() {
                            return;
                        }
                    }
                }
                Err(e) if told || passes(&e) => {}
                Err(e) => {
                    told = true;
                    to.send(missing(pod, &innermost(&e))).await.ok();
                }
            }
            sleep(AGAIN).await;
            if !self.goes_on(query, pod).await {
                return;
            }
        }
    }

    /// Waits until the unit prints again; false when it will not.
    async fn goes_on(&self, query: &LogQuery, pod: &Pod) -> bool {
        let mut changes = self.pods.changes();
        loop {
            changes.borrow_and_update();
            let now = self.known(query).into_iter().find(|now| now.name_any() == pod.name_any());
            match now.as_deref().and_then(prints) {
                Some(true) => return true,
                Some(false) => {}
                None => return false,
            }
            if changes.changed().await.is_err() {
                return false;
            }
        }
    }
}

/// True while the unit's container runs; `None` when it never will again.
fn prints(pod: &Pod) -> Option<bool> {
    let status = pod.status.as_ref()?;
    if matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
        return None;
    }
    let first = status.container_statuses.iter().flatten().next();
    Some(first.and_then(|container| container.state.as_ref()).is_some_and(|state| state.running.is_some()))
}

fn line(printed: Printed, pod: &Pod) -> LogLine {
    let date = printed.at.map_or_else(Time::zero, |at| Time::from_millis(at.as_millisecond()));
    LogLine { date, message: printed.text.trim().to_owned(), source: process(pod).to_owned(), unit: pod.name_any() }
}

fn missing(pod: &Pod, why: &str) -> LogLine {
    note(format!("Could not get logs from unit: {}, error: {why}", pod.name_any()))
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
    fn lines_are_those_of_a_process_of_a_unit() {
        let printed = Printed { at: Some("2026-11-20T23:45:02.410Z".parse().unwrap()), text: "GET / 200 ".into() };
        let line = line(printed, &pod());
        assert_eq!((line.date.rfc3339().as_str(), line.message.as_str()), ("2026-11-20T23:45:02.410Z", "GET / 200"));
        assert_eq!((line.source.as_str(), line.unit.as_str()), ("web", "a-web-1"));
    }

    #[test]
    fn a_unit_prints_while_its_container_runs_and_never_again_once_it_ended_for_good() {
        let of = |status: serde_json::Value| {
            let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "a"}, "status": status})).unwrap();
            prints(&pod)
        };
        let container =
            |state: serde_json::Value| json!([{"name": "c", "image": "", "imageID": "", "ready": true, "restartCount": 1, "state": state}]);
        assert_eq!(of(json!({"phase": "Running", "containerStatuses": container(json!({"running": {}}))})), Some(true));
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        assert_eq!(of(json!({"phase": "Running", "containerStatuses": container(waits)})), Some(false));
        assert_eq!(of(json!({"phase": "Failed"})), None);
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
