//! Events of the cluster, as a rollout tells them.

use k8s_openapi::api::core::v1::Event;

/// `  ---> hello-web-1 - Pulling image [kubelet, node1]`: an event of the pods, replica sets and the deployment of this name; none of
/// others. Events of pods and replica sets are told by their names, which begin with the deployment's.
pub fn told(event: &Event, deployment: &str) -> Option<String> {
    let about = event.involved_object.name.as_deref().unwrap_or_default();
    let ours = match event.involved_object.kind.as_deref() {
        Some("Deployment") => about == deployment,
        Some("ReplicaSet") => is_generated(about, deployment, 1),
        Some("Pod") => is_generated(about, deployment, 2),
        _ => false,
    };
    ours.then(|| format!("  ---> {about} - {} [{}]\n", event.message.as_deref().unwrap_or_default(), source(event)))
}

/// What controllers add to a name: `-5b7498db` to that of a replica set, `-5b7498db-llg7m` to that of its pods. They use no vowels, so
/// `hello-web-api` and `hello-web-v2-5b7498db` are other deployments'.
fn is_generated(name: &str, deployment: &str, parts: usize) -> bool {
    let Some(rest) = name.strip_prefix(deployment).and_then(|rest| rest.strip_prefix('-')) else { return false };
    let part = |part: &str| part.len() >= 5 && part.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b));
    rest.split('-').count() == parts && rest.split('-').all(part)
}

fn source(event: &Event) -> String {
    let source = event.source.clone().unwrap_or_default();
    let component = source.component.unwrap_or_default();
    match source.host.filter(|host| !host.is_empty()) {
        Some(host) => format!("{component}, {host}"),
        None => component,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, name: &str, host: &str) -> Event {
        let about = json!({"kind": kind, "name": name});
        let source = json!({"component": "kubelet", "host": host});
        serde_json::from_value(json!({"metadata": {}, "involvedObject": about, "message": "Pulled", "source": source})).unwrap()
    }

    #[test]
    fn events_of_a_deployments_own_objects_are_told() {
        let pod = told(&event("Pod", "hello-web-5b7498db-llg7m", "node1"), "hello-web");
        assert_eq!(pod.as_deref(), Some("  ---> hello-web-5b7498db-llg7m - Pulled [kubelet, node1]\n"));
        assert_eq!(
            told(&event("ReplicaSet", "hello-web-5b7498db", ""), "hello-web").as_deref(),
            Some("  ---> hello-web-5b7498db - Pulled [kubelet]\n")
        );
        assert!(told(&event("Deployment", "hello-web", ""), "hello-web").is_some());
    }

    #[test]
    fn events_of_others_are_not() {
        for (kind, name) in [
            ("Pod", "hello-web-v2-7fdfd59c97-gplkv"),
            ("Pod", "hello-webs-5b7498db-llg7m"),
            ("ReplicaSet", "hello-web-bcdfg-5b7498db"),
            ("Pod", "hello-web-bcdfg-5b7498db-llg7m"),
            ("Pod", "hello-web-other-llg7m"),
            ("Deployment", "hello-web-v2"),
            ("Node", "hello-web"),
        ] {
            assert_eq!(told(&event(kind, name, ""), "hello-web"), None, "{name}");
        }
    }
}
