//! `docker:*`: images, the registry they are kept in, and how containers run.

use super::{File, seconds};
use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// What `docker:*` says.
#[derive(Clone, Debug)]
pub struct Docker {
    /// `docker:registry`: where images are kept that no cluster says another place for.
    pub registry: String,
    /// `docker:repository-namespace`: the folder of images in it.
    pub namespace: String,
    /// `docker:resolve-registry-name`: images name the registry's IPv4 address.
    pub resolve: bool,
    /// `docker:registry-auth:username`.
    pub user: String,
    /// `docker:registry-auth:password`.
    pub password: Secret,
    /// `docker:registry-auth:insecure`: the registry is spoken to without TLS.
    pub insecure: bool,
    /// `docker:uid`: the user that apps run as; below zero: the image's.
    pub uid: i64,
    /// `docker:run-cmd:port`: the port of processes that say nothing.
    pub port: u32,
    /// `docker:healthcheck:max-time`: seconds that new units have at least to become healthy.
    pub healthcheck_seconds: u64,
    /// `docker:image-history-size`: versions of an app that are kept for rollbacks.
    pub image_history: usize,
    /// `docker:max-layers`: each so-many-th deploy of sources begins at the platform's image again.
    pub max_layers: i64,
}

impl Docker {
    /// From the file.
    pub(super) fn read(file: &File) -> Result<Self> {
        Ok(Self {
            registry: file.text("docker:registry", "")?,
            namespace: file.opt_text("docker:repository-namespace")?.filter(|text| !text.is_empty()).unwrap_or_else(|| "tsuru".into()),
            resolve: file.bool("docker:resolve-registry-name", false)?,
            user: file.text("docker:registry-auth:username", "")?,
            password: Secret::new(file.text("docker:registry-auth:password", "")?),
            insecure: file.bool("docker:registry-auth:insecure", false)?,
            uid: file.int("docker:uid", 1000)?,
            port: port(file, "docker:run-cmd:port", 8888)?,
            healthcheck_seconds: seconds(file, "docker:healthcheck:max-time", 120)?.as_secs(),
            image_history: usize::try_from(file.int("docker:image-history-size", 10)?).unwrap_or_default().max(1),
            max_layers: Some(file.int("docker:max-layers", 10)?).filter(|layers| *layers > 0).unwrap_or(10),
        })
    }
}

/// A port; 0 and none are the default.
pub(super) fn port(file: &File, key: &str, default: u32) -> Result<u32> {
    let named = file.int(key, 0)?;
    if named == 0 {
        return Ok(default);
    }
    u16::try_from(named).map(u32::from).map_err(|e| Error::invalid(format!("{key}: {named} is not a port ({e})")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Kubernetes;

    fn read(text: &str) -> Result<(Docker, Kubernetes)> {
        let file = File::parse(text)?;
        let docker = Docker::read(&file)?;
        let kubernetes = Kubernetes::read(&file, docker.port)?;
        Ok((docker, kubernetes))
    }

    #[test]
    fn nothing_said_is_what_tsuru_does() {
        let (docker, kubernetes) = read("").unwrap();
        let own = (docker.namespace.as_str(), docker.uid, docker.port, docker.healthcheck_seconds, docker.image_history, docker.max_layers);
        assert_eq!(own, ("tsuru", 1000, 8888, 120, 10, 10));
        assert_eq!((kubernetes.headless_port, kubernetes.progress_timeout), (8888, Duration::from_secs(600)));
    }

    #[test]
    fn values_of_the_file_are_taken() {
        let text = "docker:\n  registry: r.io:443\n  repository-namespace: own\n  uid: -1\n  run-cmd:\n    port: \"9000\"\n  max-layers: 0\n  \
                    healthcheck:\n    max-time: 5\nkubernetes:\n  deployment-progress-timeout: 1.5\n  api-timeout: 0\n";
        let (docker, kubernetes) = read(text).unwrap();
        let own =
            (docker.registry.as_str(), docker.namespace.as_str(), docker.uid, docker.port, docker.healthcheck_seconds, docker.max_layers);
        assert_eq!(own, ("r.io:443", "own", -1, 9000, 5, 10));
        assert_eq!((kubernetes.headless_port, kubernetes.progress_timeout), (9000, Duration::from_millis(1500)));
        assert_eq!(kubernetes.api_timeout, Duration::from_secs(60));
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        for (key, value) in [
            ("docker:run-cmd:port", "70000"),
            ("docker:uid", "root"),
            ("docker:resolve-registry-name", "\"true\""),
            ("docker:healthcheck:max-time", "soon"),
            ("kubernetes:api-timeout", "-1"),
            ("kubernetes:headless-service-port", "-1"),
            ("kubernetes:use-pool-namespaces", "some"),
        ] {
            let nested =
                key.split(':').enumerate().map(|(depth, part)| format!("{}{part}:", "  ".repeat(depth))).collect::<Vec<_>>().join("\n");
            let why = read(&format!("{nested} {value}\n")).unwrap_err().to_string();
            assert!(why.starts_with(&format!("{key}: ")), "{why}");
        }
    }
}
