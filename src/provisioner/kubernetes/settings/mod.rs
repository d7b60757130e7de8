//! What the server's settings and a cluster's custom data say about objects.

mod cluster;
pub mod entered;
mod read;

pub use cluster::{Build, ClusterSettings, Factors, PoolSettings};
pub use read::{share, truth};

use std::time::Duration;

use crate::secret::Secret;

/// What the server's settings say.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// `host`: where this server answers.
    pub host: String,
    /// `docker:run-cmd:port`: the port of processes that say nothing.
    pub port: u32,
    /// `kubernetes:headless-service-port`.
    pub headless_port: u32,
    /// `docker:uid`: the user that apps run as; `None`: the image's.
    pub uid: Option<i64>,
    /// `docker:registry`: the registry whose images need a login.
    pub registry: String,
    /// `docker:repository-namespace`: the folder of its images.
    pub registry_namespace: String,
    /// `docker:resolve-registry-name`: images name its IPv4 address.
    pub resolve_registry: bool,
    /// `docker:registry-auth:insecure`: it is spoken to without TLS.
    pub registry_insecure: bool,
    /// `docker:registry-auth:username`.
    pub registry_user: String,
    /// `docker:registry-auth:password`.
    pub registry_password: Secret,
    /// `kubernetes:use-pool-namespaces`: each pool has a namespace.
    pub pool_namespaces: bool,
    /// `kubernetes:keda:prometheus-address-template`.
    pub prometheus_address: Option<String>,
    /// `kubernetes:trust-kubeconfigs`: kubeconfigs of clusters may run programs and read files of this machine.
    pub trust_kubeconfigs: bool,
    /// How long units may take.
    pub times: Times,
}

/// How long units may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// `kubernetes:deployment-progress-timeout`: until one more is ready.
    pub progress: Duration,
    /// `docker:healthcheck:max-time`: from running to ready, unless their health check says more.
    pub health: Duration,
    /// `kubernetes:pod-ready-timeout`: until a pod of its own is ready.
    pub pod_ready: Duration,
    /// `kubernetes:pod-running-timeout`: until a pod of its own runs.
    pub pod_running: Duration,
    /// `kubernetes:attach-after-finish-timeout`: what a container printed is waited for after its end.
    pub attach: Duration,
    /// `kubernetes:api-timeout`: until a call is answered.
    pub call: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let [progress, health, pod_ready, pod_running, attach, call] = [600, 120, 60, 600, 60, 60].map(Duration::from_secs);
        Self { progress, health, pod_ready, pod_running, attach, call }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 8888,
            headless_port: 8888,
            uid: Some(1000),
            registry: String::new(),
            registry_namespace: "tsuru".into(),
            resolve_registry: false,
            registry_insecure: false,
            registry_user: String::new(),
            registry_password: Secret::new(String::new()),
            pool_namespaces: false,
            prometheus_address: None,
            trust_kubeconfigs: false,
            times: Times::default(),
        }
    }
}
