//! Tools beside a unit's own: an ephemeral container in its pod. It stays until the pod goes; Kubernetes removes none before.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerState, Pod};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio::time::timeout;

use super::{
    Kubernetes,
    client::SHORT,
    objects::{
        isolation,
        labels::{APP, own},
    },
};
use crate::error::{Error, Result};

/// The container's name.
const NAME: &str = "tsuru-debugger";
/// It only waits: shells are opened in it.
const WAIT: &str = "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done";
/// Until its image is there and it runs.
const STARTS: Duration = Duration::from_secs(120);

impl Kubernetes {
    /// The name of a container with tools in this pod, which is made unless there is one.
    pub(super) async fn debugger(&self, pod: &Pod) -> Result<String> {
        if let Some(name) = running(pod) {
            return Ok(name);
        }
        let name = free(pod);
        let image = self.spec.settings.debug_image();
        let pool = pod.labels().get(&own("app-pool")).map(String::as_str).unwrap_or_default();
        let context = self.spec.settings.pool(pool)?.isolation.then(isolation::container_context);
        let container = json!({"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "command": ["/bin/sh", "-c", WAIT],
            "securityContext": context});
        let (patch, usual) = (Patch::Strategic(json!({"spec": {"ephemeralContainers": [container]}})), PatchParams::default());
        let api = Api::<Pod>::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
        let unit = pod.name_any();
        // The same patch a second time changes nothing.
        self.writer(SHORT).asked(|| api.patch_ephemeral_containers(&unit, &usual, &patch)).await?;
        let started = timeout(STARTS, self.debugging(pod, &name)).await;
        started.unwrap_or_else(|_| Err(Error::refused(format!("the debug container of image {image:?} does not start"))))?;
        Ok(name)
    }

    async fn debugging(&self, pod: &Pod, name: &str) -> Result<()> {
        let app = pod.labels().get(APP).cloned().unwrap_or_default();
        let mut changes = self.pods.changes();
        loop {
            changes.borrow_and_update();
            let now = self.pods.of(&app).into_iter().find(|now| now.name_any() == pod.name_any());
            let now = now.ok_or_else(|| Error::refused(format!("unit {:?} is gone", pod.name_any())))?;
            let state = states(&now).into_iter().find(|(of, _)| *of == name).map(|(_, state)| state);
            let waiting = state.and_then(|state| state.waiting.as_ref());
            if state.is_some_and(|state| state.running.is_some()) {
                return Ok(());
            }
            if let Some(why) = waiting.filter(|why| why.reason.as_deref().is_some_and(|reason| reason != "ContainerCreating")) {
                let (reason, text) = (why.reason.as_deref().unwrap_or_default(), why.message.as_deref().unwrap_or_default());
                return Err(Error::refused(format!("the debug container cannot be started: {reason}: {text}")));
            }
            if let Some(end) = state.and_then(|state| state.terminated.as_ref()) {
                return Err(Error::refused(format!("the debug container ended at once with exit code {}", end.exit_code)));
            }
            if changes.changed().await.is_err() {
                return Err(Error::unavailable(self.trouble_text()));
            }
        }
    }
}

/// The pod's ephemeral containers with their states.
fn states(pod: &Pod) -> Vec<(&str, &ContainerState)> {
    let all = pod.status.iter().flat_map(|status| status.ephemeral_container_statuses.iter().flatten());
    all.filter_map(|container| Some((container.name.as_str(), container.state.as_ref()?))).collect()
}

fn running(pod: &Pod) -> Option<String> {
    let runs = |(name, state): &(&str, &ContainerState)| name.starts_with(NAME) && state.running.is_some();
    states(pod).into_iter().find(runs).map(|(name, _)| name.to_owned())
}

/// A name that no ephemeral container of the pod has: one that ended keeps its own.
fn free(pod: &Pod) -> String {
    let spec = pod.spec.as_ref();
    let taken: Vec<&str> = spec.iter().flat_map(|spec| spec.ephemeral_containers.iter().flatten()).map(|one| one.name.as_str()).collect();
    let names = std::iter::once(NAME.to_owned()).chain((2..).map(|n| format!("{NAME}-{n}")));
    names.into_iter().find(|name| !taken.contains(&name.as_str())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(state: serde_json::Value) -> Pod {
        let status = json!([{"name": NAME, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state}]);
        let spec = json!({"containers": [], "ephemeralContainers": [{"name": NAME}]});
        serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": spec, "status": {"ephemeralContainerStatuses": status}})).unwrap()
    }

    #[test]
    fn the_one_that_runs_is_used_again_and_one_that_ended_is_not() {
        let runs = pod(json!({"running": {}}));
        assert_eq!(running(&runs).as_deref(), Some(NAME));
        let over = pod(json!({"terminated": {"exitCode": 0}}));
        assert_eq!((running(&over), free(&over)), (None, format!("{NAME}-2")));
    }
}
