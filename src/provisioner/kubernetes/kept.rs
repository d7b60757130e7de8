//! What is kept of the objects of a cluster: thousands of them are held in memory, and most of each is read by nobody.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        autoscaling::v2::HorizontalPodAutoscaler,
        batch::v1::Job,
        core::v1::{Container, ContainerStatus, Pod, PodSpec, PodStatus, Service, ServiceSpec},
        networking::v1::Ingress,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::{
    address, held,
    objects::{
        custom::{Custom, Kind},
        deployment::SECRET_DIGEST,
        http_route::HttpRoute,
        labels,
    },
    rollout::REVISION,
};

/// An object that can be held in memory. It is never written back: parts of it may be gone.
pub trait Kept {
    /// Drops what nobody reads of what is held.
    fn trim(&mut self) {}
}

impl Kept for Pod {
    fn trim(&mut self) {
        trim_meta(&mut self.metadata);
        retain(&mut self.metadata.annotations, |name| name == held::MARK || is_told(name));
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
    (status.host_ips, status.pod_ips, status.qos_class) = (None, None, None);
    // Only what is not as it should be is told.
    only(&mut status.conditions, |condition| condition.status != "True");
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
        trim_meta(&mut self.metadata);
        retain(&mut self.metadata.labels, is_owner);
        retain(&mut self.metadata.annotations, |name| name == REVISION);
        if let Some(spec) = &mut self.spec {
            spec.template.spec = None;
            if let Some(pods) = &mut spec.template.metadata {
                retain(&mut pods.annotations, is_told);
            }
        }
        if let Some(status) = &mut self.status {
            only(&mut status.conditions, |condition| condition.status != "True");
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

impl Kept for Service {
    fn trim(&mut self) {
        trim_meta(&mut self.metadata);
        retain(&mut self.metadata.labels, |name| is_owner(name) || address::LABELS.contains(&name));
        self.metadata.annotations = None;
        self.spec = self.spec.take().map(|whole| ServiceSpec { ports: whole.ports, ..ServiceSpec::default() });
        self.status = None;
    }
}

impl Kept for HorizontalPodAutoscaler {}
impl Kept for Ingress {}
impl Kept for HttpRoute {}
impl<K: Kind> Kept for Custom<K> {}

fn trim_meta(meta: &mut ObjectMeta) {
    (meta.generate_name, meta.owner_references, meta.finalizers) = (None, None, None);
}

/// Names whose it is.
fn is_owner(label: &str) -> bool {
    label == labels::APP || label == labels::JOB
}

/// What tsuru's annotations say stands above what labels say; the names of either may lack their prefix. A digest says nothing.
fn is_told(annotation: &str) -> bool {
    annotation != SECRET_DIGEST && (annotation.starts_with(labels::PREFIX) || !annotation.contains('/'))
}

fn retain(map: &mut Option<BTreeMap<String, String>>, wanted: impl Fn(&str) -> bool) {
    *map =
        map.take().map(|all| all.into_iter().filter(|(name, _)| wanted(name)).collect()).filter(|kept: &BTreeMap<_, _>| !kept.is_empty());
}

fn only<T>(list: &mut Option<Vec<T>>, wanted: impl Fn(&T) -> bool) {
    *list = list.take().map(|all| all.into_iter().filter(|one| wanted(one)).collect::<Vec<T>>()).filter(|kept| !kept.is_empty());
    list.iter_mut().for_each(Vec::shrink_to_fit);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::provisioner::kubernetes::{observed, unit};

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

    #[test]
    fn a_trimmed_deployment_is_the_same_state() {
        let pods = json!({"tsuru.io/app-process": "web", "tsuru.io/app-version": "3", "tsuru.io/is-isolated-run": "false"});
        let told = json!({"tsuru.io/is-routable": "true", "tsuru.io/secret-sha256": "ab", "of.others/x": "y"});
        let conditions = json!([{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "False", "reason": "why"}]);
        let whole: Deployment = serde_json::from_value(json!({
            "metadata": {"name": "blog-web", "labels": {"tsuru.io/app-name": "blog", "app": "blog"}, "annotations": {REVISION: "2", "a": "b"}},
            "spec": {"replicas": 2, "selector": {"matchLabels": pods}, "template": {"metadata": {"labels": pods, "annotations": told}}},
            "status": {"conditions": conditions},
        }))
        .unwrap();
        let mut kept = whole.clone();
        kept.trim();
        let state = |of: &Deployment| observed::state("blog", std::slice::from_ref(of)).processes.remove(0);
        assert_eq!(format!("{:?}", state(&kept)), format!("{:?}", state(&whole)));
        assert!(state(&whole).routable);
        assert_eq!(observed::existing(&[kept.clone()]), observed::existing(&[whole]));
        assert_eq!((kept.metadata.labels.unwrap().len(), kept.metadata.annotations.unwrap().len()), (1, 1));
        assert_eq!(kept.status.unwrap().conditions.unwrap()[0].reason.as_deref(), Some("why"));
    }

    #[test]
    fn a_trimmed_service_has_the_same_addresses() {
        let labels = json!({"tsuru.io/app-name": "blog", "tsuru.io/app-process": "web", "version": "v2", "app": "blog-web"});
        let spec = json!({"clusterIP": "10.1.1.1", "ports": [{"port": 80, "targetPort": 8888}], "selector": {"a": "b"}});
        let whole: Service = serde_json::from_value(json!({"metadata": {"name": "blog-web-v2", "labels": labels}, "spec": spec})).unwrap();
        let mut kept = whole.clone();
        kept.trim();
        assert_eq!(format!("{:?}", address::of(&[Arc::new(kept.clone())])), format!("{:?}", address::of(&[Arc::new(whole)])));
        assert_eq!((kept.metadata.labels.unwrap().len(), kept.spec.unwrap().cluster_ip), (3, None));
    }
}
