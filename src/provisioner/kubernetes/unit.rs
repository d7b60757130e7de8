//! From a pod to a unit: its state and why it is in it, in tsuru's words.

use k8s_openapi::{
    api::{
        batch::v1::Job,
        core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodStatus},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::objects::labels;
use crate::{
    clock::Time,
    provisioner::{Unit, UnitStatus},
};

/// Reasons of pods that ended and whose replacement is there already.
const REPLACED: [&str; 4] = ["shutdown", "evicted", "nodeaffinity", "terminated"];
const CRASHING: &str = "CrashLoopBackOff";

/// The unit that a pod is; none of a pod that is on its way out, was replaced, or belongs to no app.
pub fn of(pod: &Pod) -> Option<Unit> {
    let unknown = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&unknown);
    if is_going(pod) || was_replaced(status) {
        return None;
    }
    let say = |name: &str| labels::lookup(pod.metadata.labels.as_ref(), pod.metadata.annotations.as_ref(), name);
    let said = say("app-version").and_then(|version| version.parse().ok()).filter(|version| *version > 0);
    let (state, reason) = state(status);
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    Some(Unit {
        id: pod.metadata.name.clone()?,
        app: say("app-name")?.to_owned(),
        process: say("app-process").unwrap_or_default().to_owned(),
        version: said.or_else(|| version_of_image(pod)).unwrap_or_default(),
        status: state,
        reason,
        ip: status.host_ip.clone().unwrap_or_default(),
        internal_ip: status.pod_ip.clone().unwrap_or_default(),
        port: None,
        routable: said.is_none() || say("is-routable") == Some("true"),
        ready: !containers.is_empty() && containers.iter().all(|container| container.ready),
        restarts: restarts(pod),
        created_at: created(&pod.metadata),
    })
}

/// It is being deleted, or was made to end by itself.
fn is_going(pod: &Pod) -> bool {
    let ends = pod.spec.as_ref().is_some_and(|spec| spec.active_deadline_seconds.is_some());
    pod.metadata.deletion_timestamp.is_some() || ends
}

fn was_replaced(status: &PodStatus) -> bool {
    let reason = status.reason.as_deref().unwrap_or_default().to_lowercase();
    status.phase.as_deref() == Some("Failed") && REPLACED.contains(&reason.as_str())
}

/// State and reason of a pod.
fn state(status: &PodStatus) -> (UnitStatus, String) {
    let reason = status.reason.clone().unwrap_or_default();
    match status.phase.as_deref() {
        Some("Running") => running(status.container_statuses.as_deref().unwrap_or_default()),
        Some("Succeeded") => (UnitStatus::Stopped, reason),
        Some("Failed" | "Unknown") => (UnitStatus::Error, reason),
        _ => (UnitStatus::Created, reason),
    }
}

/// By the first container that is not ready.
fn running(containers: &[ContainerStatus]) -> (UnitStatus, String) {
    let Some(unready) = containers.iter().find(|container| !container.ready) else { return (UnitStatus::Started, String::new()) };
    let waiting = unready.state.as_ref().and_then(|state| state.waiting.as_ref());
    let last = unready.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let ended = last.map(|end| end.reason.clone().unwrap_or_default());
    match (waiting.map(|waiting| waiting.reason.clone().unwrap_or_default()), last) {
        (Some(why), Some(end)) if why == CRASHING => (UnitStatus::Error, crashed(end)),
        (Some(why), _) => (UnitStatus::Error, why),
        (None, Some(_)) => (UnitStatus::Error, ended.unwrap_or_default()),
        (None, None) => (UnitStatus::Starting, String::new()),
    }
}

/// Why it crashes: its exit code where that says more than `Error`.
fn crashed(end: &ContainerStateTerminated) -> String {
    match end.reason.as_deref() {
        Some("Error") if end.exit_code > 0 => format!("exitCode: {}", end.exit_code),
        reason => reason.unwrap_or_default().to_owned(),
    }
}

/// A run of a job, with what started it again in its pods.
pub fn of_run(run: &Job, restarts: u32) -> Option<Unit> {
    let status = run.status.clone().unwrap_or_default();
    let (state, reason) = match (status.failed.unwrap_or_default(), status.succeeded.unwrap_or_default()) {
        (1.., _) => (UnitStatus::Error, failure(run).unwrap_or_default()),
        (_, 1..) => (UnitStatus::Succeeded, String::new()),
        _ => (UnitStatus::Started, String::new()),
    };
    let say = |name: &str| labels::lookup(run.metadata.labels.as_ref(), run.metadata.annotations.as_ref(), name);
    Some(Unit {
        id: run.metadata.name.clone()?,
        app: say("job-name")?.to_owned(),
        process: String::new(),
        version: 0,
        status: state,
        reason,
        ip: String::new(),
        internal_ip: String::new(),
        port: None,
        routable: false,
        ready: false,
        restarts,
        created_at: created(&run.metadata),
    })
}

/// Why a run failed for good: `BackoffLimitExceeded`, `DeadlineExceeded`.
pub fn failure(run: &Job) -> Option<String> {
    let conditions = run.status.as_ref()?.conditions.as_ref()?;
    let failed = conditions.iter().find(|condition| condition.type_ == "Failed" && condition.status == "True")?;
    failed.reason.clone()
}

/// How often the containers of a pod were started again.
pub fn restarts(pod: &Pod) -> u32 {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    containers.map(|container| u32::try_from(container.restart_count).unwrap_or_default()).sum()
}

/// `registry/app-blog:v3`
fn version_of_image(pod: &Pod) -> Option<u32> {
    let image = pod.spec.as_ref()?.containers.first()?.image.as_ref()?;
    image.rsplit_once(':')?.1.trim_start_matches('v').parse().ok()
}

fn created(meta: &ObjectMeta) -> Time {
    let millis = meta.creation_timestamp.as_ref().map(|time| time.0.as_millisecond());
    Time::from_millis(millis.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: Value) -> Pod {
        let labels = json!({
            "tsuru.io/app-name": "blog", "tsuru.io/app-process": "web", "tsuru.io/app-version": "3", "tsuru.io/is-routable": "true",
        });
        let metadata = json!({"name": "blog-web-1", "labels": labels, "creationTimestamp": "2026-11-20T23:45:02Z"});
        let spec = json!({"containers": [{"name": "c", "image": "r.io/tsuru/app-blog:v7"}]});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
    }

    /// A running pod with one container in this state.
    fn container(ready: bool, state: Value, last: Value) -> Pod {
        let container =
            json!({"name": "c", "image": "", "imageID": "", "ready": ready, "restartCount": 2, "state": state, "lastState": last});
        pod(json!({"phase": "Running", "hostIP": "10.0.0.1", "podIP": "10.1.0.1", "containerStatuses": [container]}))
    }

    fn shown(pod: &Pod) -> (UnitStatus, String) {
        let unit = of(pod).unwrap();
        (unit.status, unit.reason)
    }

    fn ended(reason: &str, code: i32) -> Value {
        json!({"terminated": {"reason": reason, "exitCode": code}})
    }

    #[test]
    fn a_unit_is_its_pod() {
        let unit = of(&container(true, json!({"running": {}}), json!({}))).unwrap();
        assert_eq!((unit.id.as_str(), unit.app.as_str(), unit.process.as_str(), unit.version), ("blog-web-1", "blog", "web", 3));
        assert_eq!((unit.ip.as_str(), unit.internal_ip.as_str()), ("10.0.0.1", "10.1.0.1"));
        assert_eq!((unit.status, unit.ready, unit.routable, unit.restarts), (UnitStatus::Started, true, true, 2));
        assert_eq!(unit.created_at.rfc3339(), "2026-11-20T23:45:02Z");
    }

    #[test]
    fn a_pod_that_does_not_run_says_its_phase() {
        let phase = |phase: &str| shown(&pod(json!({"phase": phase, "reason": "why"})));
        assert_eq!(phase("Pending"), (UnitStatus::Created, "why".into()));
        assert_eq!(phase("Succeeded"), (UnitStatus::Stopped, "why".into()));
        assert_eq!(phase("Failed"), (UnitStatus::Error, "why".into()));
        assert_eq!(phase("Unknown"), (UnitStatus::Error, "why".into()));
        assert_eq!(shown(&pod(json!({}))).0, UnitStatus::Created);
    }

    #[test]
    fn a_container_that_is_not_ready_says_why() {
        let crashing = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let why = |state: Value, last: Value| shown(&container(false, state, last));
        let error = |why: &str| (UnitStatus::Error, why.to_owned());
        assert_eq!(why(json!({"waiting": {"reason": "ImagePullBackOff"}}), json!({})), error("ImagePullBackOff"));
        assert_eq!(why(crashing.clone(), ended("Error", 3)), error("exitCode: 3"));
        assert_eq!(why(crashing.clone(), ended("OOMKilled", 137)), error("OOMKilled"));
        assert_eq!(why(crashing, json!({})), error("CrashLoopBackOff"));
        assert_eq!(why(json!({"running": {}}), ended("Error", 1)), error("Error"));
        assert_eq!(why(json!({"running": {}}), json!({})), (UnitStatus::Starting, String::new()));
    }

    #[test]
    fn pods_on_their_way_out_and_replaced_ones_are_no_units() {
        for reason in ["Shutdown", "Evicted", "NodeAffinity", "Terminated"] {
            assert!(of(&pod(json!({"phase": "Failed", "reason": reason}))).is_none(), "{reason}");
        }
        let mut going = pod(json!({"phase": "Running"}));
        going.metadata.deletion_timestamp = going.metadata.creation_timestamp.clone();
        assert!(of(&going).is_none());
        let mut short = pod(json!({"phase": "Running"}));
        short.spec.as_mut().unwrap().active_deadline_seconds = Some(60);
        assert!(of(&short).is_none());
    }

    #[test]
    fn a_pod_without_version_has_that_of_its_image_and_gets_requests() {
        let mut old = pod(json!({"phase": "Running"}));
        let labels = old.metadata.labels.as_mut().unwrap();
        labels.remove("tsuru.io/app-version");
        labels.remove("tsuru.io/is-routable");
        let unit = of(&old).unwrap();
        assert_eq!((unit.version, unit.routable), (7, true));
    }

    #[test]
    fn a_run_of_a_job_failed_ended_well_or_goes_on() {
        let run = |status: Value| -> Job {
            let metadata = json!({"name": "j-1", "labels": {"tsuru.io/job-name": "j"}});
            serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap()
        };
        let shown = |status: Value| of_run(&run(status), 0).map(|unit| (unit.status, unit.reason)).unwrap();
        assert_eq!(shown(json!({})), (UnitStatus::Started, String::new()));
        assert_eq!(shown(json!({"succeeded": 1})), (UnitStatus::Succeeded, String::new()));
        let condition = json!({"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"});
        assert_eq!(shown(json!({"failed": 2, "conditions": [condition]})), (UnitStatus::Error, "BackoffLimitExceeded".into()));
    }
}
