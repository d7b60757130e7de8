//! Events of the cluster, as a rollout tells them.

use k8s_openapi::api::core::v1::Event;

/// `  ---> hello-web-1 - Pulling image [kubelet, node1]`: an event of the pods, replica sets and the deployment of this name; none of
/// others. Events of pods and replica sets are told by their names, which begin with the deployment's.
pub fn told(event: &Event, deployment: &str) -> Option<String> {
    let about = event.involved_object.name.as_deref().unwrap_or_default();
    let ours = match event.involved_object.kind.as_deref() {
        Some("Deployment") => about == deployment,
        Some("Pod" | "ReplicaSet") => about.strip_prefix(deployment).is_some_and(|rest| rest.starts_with('-') && is_generated(rest)),
        _ => false,
    };
    ours.then(|| format!("  ---> {about} - {} [{}]\n", event.message.as_deref().unwrap_or_default(), source(event)))
}

/// `-5b7498db`, `-5b7498db-llg7m`: what controllers add to a name. `-v2-5b7498db` is another deployment's.
fn is_generated(rest: &str) -> bool {
    let parts: Vec<&str> = rest.trim_start_matches('-').split('-').collect();
    let part = |part: &&str| part.len() >= 5 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    parts.len() <= 2 && parts.iter().all(part)
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
            ("Deployment", "hello-web-v2"),
            ("Node", "hello-web"),
        ] {
            assert_eq!(told(&event(kind, name, ""), "hello-web"), None, "{name}");
        }
    }
}
