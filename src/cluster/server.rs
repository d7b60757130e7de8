//! What the server's settings say to every cluster.

use std::time::Duration;

use crate::{
    config::Config,
    provisioner::kubernetes::settings::{ServerSettings, Times},
};

/// As the provisioner of clusters reads them.
pub fn settings(config: &Config) -> ServerSettings {
    let (docker, kubernetes) = (&config.docker, &config.kubernetes);
    ServerSettings {
        host: config.host.clone(),
        port: docker.port,
        headless_port: kubernetes.headless_port,
        uid: Some(docker.uid).filter(|uid| *uid >= 0),
        registry: docker.registry.clone(),
        registry_namespace: docker.namespace.clone(),
        resolve_registry: docker.resolve,
        registry_insecure: docker.insecure,
        registry_user: docker.user.clone(),
        registry_password: docker.password.clone(),
        pool_namespaces: kubernetes.pool_namespaces,
        prometheus_address: kubernetes.prometheus_address.clone(),
        trust_kubeconfigs: kubernetes.trust_kubeconfigs,
        times: Times {
            progress: kubernetes.progress_timeout,
            health: Duration::from_secs(docker.healthcheck_seconds),
            pod_ready: kubernetes.pod_ready_timeout,
            pod_running: kubernetes.pod_running_timeout,
            attach: kubernetes.attach_timeout,
            call: kubernetes.api_timeout,
        },
    }
}
