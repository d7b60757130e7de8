//! What is kept of the objects of a cluster: thousands of them are held in memory, and most of each is read by nobody.

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{Container, ContainerStatus, Pod, PodSpec, PodStatus, Service},
    networking::v1::Ingress,
};

use super::objects::{
    custom::{Custom, Kind},
    http_route::HttpRoute,
};

/// An object that can be held in memory. It is never written back: parts of it may be gone.
pub trait Kept {
    /// Drops what nobody reads of what is held.
    fn trim(&mut self) {}
}

impl Kept for Pod {
    fn trim(&mut self) {
        self.spec = self.spec.take().map(spec);
        if let Some(status) = &mut self.status {
            trim_status(status);
        }
    }
}

fn spec(whole: PodSpec) -> PodSpec {
    PodSpec {
        containers: whole.containers.into_iter().map(container).collect(),
        ephemeral_containers: whole.ephemeral_containers,
        active_deadline_seconds: whole.active_deadline_seconds,
        ..PodSpec::default()
    }
}

fn container(whole: Container) -> Container {
    Container { name: whole.name, image: whole.image, readiness_probe: whole.readiness_probe, ..Container::default() }
}

fn trim_status(status: &mut PodStatus) {
    (status.host_ips, status.pod_ips) = (None, None);
    for of_containers in [&mut status.container_statuses, &mut status.init_container_statuses, &mut status.ephemeral_container_statuses] {
        for one in of_containers.iter_mut().flatten() {
            trim_container(one);
        }
    }
}

fn trim_container(status: &mut ContainerStatus) {
    (status.container_id, status.allocated_resources, status.resources, status.volume_mounts) = (None, None, None, None);
    (status.image, status.image_id) = (String::new(), String::new());
}

impl Kept for Deployment {
    fn trim(&mut self) {
        if let Some(spec) = &mut self.spec {
            spec.template.spec = None;
        }
    }
}

impl Kept for Job {
    fn trim(&mut self) {
        if let Some(spec) = &mut self.spec {
            spec.template.spec = None;
        }
    }
}

impl Kept for Service {}
impl Kept for HorizontalPodAutoscaler {}
impl Kept for Ingress {}
impl Kept for HttpRoute {}
impl<K: Kind> Kept for Custom<K> {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provisioner::kubernetes::unit;

    #[test]
    fn a_trimmed_pod_is_the_same_unit() {
        let state = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let last = json!({"terminated": {"reason": "Error", "exitCode": 3}});
        let container =
            json!({"name": "c", "image": "i", "imageID": "i@1", "ready": false, "restartCount": 2, "state": state, "lastState": last});
        let whole: Pod = serde_json::from_value(json!({
            "metadata": {"name": "blog-web-1", "labels": {"tsuru.io/app-name": "blog", "tsuru.io/app-process": "web"}},
            "spec": {"containers": [{"name": "c", "image": "r.io/tsuru/app-blog:v7", "env": [{"name": "A", "value": "b"}]}], "volumes": [{"name": "v"}]},
            "status": {"phase": "Running", "hostIP": "10.0.0.1", "podIP": "10.1.0.1", "containerStatuses": [container]},
        }))
        .unwrap();
        let mut kept = whole.clone();
        kept.trim();
        assert_eq!(unit::of(&kept), unit::of(&whole));
        let spec = kept.spec.unwrap();
        assert!(spec.volumes.is_none() && spec.containers[0].env.is_none() && unit::of(&whole).is_some());
    }
}
