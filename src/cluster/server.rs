//! What the server's settings say to every cluster.

use std::time::Duration;

use crate::{
    config::Config,
    error::{Error, Result},
    provisioner::kubernetes::settings::{ServerSettings, Times, entered},
};

/// Refuses `clusters:defaults` with a value that cannot be. Keys that nobody reads are none of it: tsuru's server passes over them.
pub fn check_settings(config: &Config) -> Result<()> {
    for (key, value) in &config.cluster_defaults {
        let known = entered::check_default(key, value).map_err(|why| Error::invalid(format!("clusters:defaults:{key}: {why}")))?;
        if !known {
            tracing::warn!(key = format!("clusters:defaults:{key}"), "unknown key in the configuration file");
        }
    }
    Ok(())
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{File, Overrides};

    #[test]
    fn a_default_of_clusters_that_cannot_be_is_named_and_one_that_nobody_reads_is_passed_over() {
        let checked = |line: &str| {
            let file = File::parse(&format!("clusters:\n  defaults:\n    {line}\n")).unwrap();
            check_settings(&Config::load(&file, Overrides::default()).unwrap())
        };
        let why = checked("max-surge: lots").unwrap_err().to_string();
        assert_eq!(why, "clusters:defaults:max-surge: \"lots\" is neither a number nor a percentage");
        for fine in ["max-surge: 25%", "max-surge: ''", "disable-default-node-selector: 'true'", "of-a-later-tsuru: x", "disable-pdb: true"]
        {
            assert!(checked(fine).is_ok(), "{fine}");
        }
    }
}
