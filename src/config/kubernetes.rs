//! `kubernetes:*`: how long things may take in clusters, and what holds for all of them.

use std::time::Duration;

use super::{File, docker::port, seconds};
use crate::error::Result;

/// What `kubernetes:*` says.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    /// `kubernetes:api-timeout`: until a call is answered.
    pub api_timeout: Duration,
    /// `kubernetes:pod-ready-timeout`: from a running pod to a ready one.
    pub pod_ready_timeout: Duration,
    /// `kubernetes:pod-running-timeout`: until a pod runs, its image's download included.
    pub pod_running_timeout: Duration,
    /// `kubernetes:deployment-progress-timeout`: a rollout may stand still for so long.
    pub progress_timeout: Duration,
    /// `kubernetes:attach-after-finish-timeout`: what a container printed is waited for after its end.
    pub attach_timeout: Duration,
    /// `kubernetes:headless-service-port`.
    pub headless_port: u32,
    /// `kubernetes:use-pool-namespaces`: each pool has a namespace.
    pub pool_namespaces: bool,
    /// `kubernetes:keda:prometheus-address-template`.
    pub prometheus_address: Option<String>,
    /// `kubernetes:trust-kubeconfigs`: kubeconfigs of clusters may run programs and read files of this machine.
    pub trust_kubeconfigs: bool,
    /// This server is a pod of a cluster: its kubelet says where the cluster is.
    pub in_cluster: bool,
}

impl Kubernetes {
    /// From the file; `web_port` is what processes listen on.
    pub(super) fn read(file: &File, web_port: u32) -> Result<Self> {
        Ok(Self {
            api_timeout: seconds(file, "kubernetes:api-timeout", 60)?,
            pod_ready_timeout: seconds(file, "kubernetes:pod-ready-timeout", 60)?,
            pod_running_timeout: seconds(file, "kubernetes:pod-running-timeout", 600)?,
            progress_timeout: seconds(file, "kubernetes:deployment-progress-timeout", 600)?,
            attach_timeout: seconds(file, "kubernetes:attach-after-finish-timeout", 60)?,
            headless_port: port(file, "kubernetes:headless-service-port", web_port)?,
            pool_namespaces: file.bool("kubernetes:use-pool-namespaces", false)?,
            prometheus_address: file.opt_text("kubernetes:keda:prometheus-address-template")?.filter(|text| !text.is_empty()),
            trust_kubeconfigs: file.bool("kubernetes:trust-kubeconfigs", false)?,
            in_cluster: ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"].iter().all(|name| std::env::var_os(name).is_some()),
        })
    }
}
