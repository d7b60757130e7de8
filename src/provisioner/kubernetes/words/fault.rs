//! Why pods are not ready, from what they say and from their last events.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, Probe};

/// The last event of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodEvent {
    /// `Unhealthy`, `FailedScheduling`, `BackOff`.
    pub reason: String,
    /// It is a warning.
    pub warning: bool,
    /// What it says.
    pub message: String,
}

/// Everything that is wrong with a pod, one sentence each.
pub fn faults(pod: &Pod, last: Option<&PodEvent>) -> Vec<String> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let mut found = not_ready(pod, name);
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    found.extend(containers.filter_map(|container| crashed(container, name)));
    found.extend(last.and_then(|event| said(pod, name, event)));
    found
}

fn not_ready(pod: &Pod, name: &str) -> Vec<String> {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let unready = conditions.filter(|condition| condition.type_ == "Ready" && condition.status != "True");
    let sentence = |why: &str| followed(format!("Pod {name:?} not ready"), why);
    let why = |condition: &k8s_openapi::api::core::v1::PodCondition| {
        let said = condition.message.clone().filter(|message| !message.is_empty()).or_else(|| condition.reason.clone());
        sentence(&said.unwrap_or_default())
    };
    unready.map(why).collect()
}

fn crashed(container: &ContainerStatus, name: &str) -> Option<String> {
    let state = container.state.as_ref();
    let ended = state.and_then(|state| state.terminated.as_ref());
    let waits = state.is_some_and(|state| state.waiting.is_some());
    let before = container.last_state.as_ref().filter(|_| waits).and_then(|last| last.terminated.as_ref());
    let end = ended.or(before)?;
    let text = format!("Pod {name:?} has crashed {} times: Exited with status {}", container.restart_count, end.exit_code);
    Some(followed(text, end.message.as_deref().unwrap_or_default()))
}

fn said(pod: &Pod, name: &str, event: &PodEvent) -> Option<String> {
    let text = match event.reason.as_str() {
        "Unhealthy" => match probe(pod) {
            Some(probe) => format!("Pod {name:?} failed health check, {probe}"),
            None => format!("Pod {name:?} failed health check"),
        },
        "FailedScheduling" => format!("Pod {name:?} could not be scheduled"),
        _ if event.warning => format!("Pod {name:?} with warning"),
        _ => return None,
    };
    Some(followed(text, &event.message))
}

fn followed(text: String, why: &str) -> String {
    if why.is_empty() { text } else { format!("{text}: {why}") }
}

/// How the readiness of a pod is asked for.
fn probe(pod: &Pod) -> Option<String> {
    let probe: &Probe = pod.spec.as_ref()?.containers.first()?.readiness_probe.as_ref()?;
    if let Some(get) = &probe.http_get {
        return Some(format!("HTTP GET to {} on port {}", get.path.as_deref().unwrap_or_default(), shown(&get.port)));
    }
    if let Some(socket) = &probe.tcp_socket {
        return Some(format!("TCP connect on port {}", shown(&socket.port)));
    }
    let words = probe.exec.as_ref()?.command.as_ref()?.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>();
    Some(format!("Command exec [{}]", words.join(" ")))
}

fn shown(port: &k8s_openapi::apimachinery::pkg::util::intstr::IntOrString) -> String {
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
    match port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: Value, probe: Value) -> Pod {
        let spec = json!({"containers": [{"name": "c", "readinessProbe": probe}]});
        serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec, "status": status})).unwrap()
    }

    fn event(reason: &str, warning: bool) -> PodEvent {
        PodEvent { reason: reason.into(), warning, message: "why".into() }
    }

    #[test]
    fn a_pod_that_is_not_ready_and_crashed_says_both() {
        let condition = json!({"type": "Ready", "status": "False", "message": "unready", "reason": "R"});
        let state = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let last = json!({"terminated": {"exitCode": 3, "message": "boom"}});
        let container =
            json!({"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 4, "state": state, "lastState": last});
        let found = faults(&pod(json!({"conditions": [condition], "containerStatuses": [container]}), Value::Null), None);
        assert_eq!(found, ["Pod \"p\" not ready: unready", "Pod \"p\" has crashed 4 times: Exited with status 3: boom"]);
    }

    #[test]
    fn the_last_event_says_what_kind_of_trouble_it_is() {
        let with = |probe: Value, event: PodEvent| faults(&pod(json!({}), probe), Some(&event)).concat();
        let get = json!({"httpGet": {"path": "/x", "port": 8888}});
        assert_eq!(with(get, event("Unhealthy", true)), "Pod \"p\" failed health check, HTTP GET to /x on port 8888: why");
        let exec = json!({"exec": {"command": ["sh", "-c"]}});
        assert_eq!(with(exec, event("Unhealthy", true)), "Pod \"p\" failed health check, Command exec [\"sh\" \"-c\"]: why");
        assert_eq!(with(Value::Null, event("FailedScheduling", true)), "Pod \"p\" could not be scheduled: why");
        assert_eq!(with(Value::Null, event("BackOff", true)), "Pod \"p\" with warning: why");
        assert_eq!(with(Value::Null, event("Pulled", false)), "");
    }
}
