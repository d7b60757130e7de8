//! What nodes show to the registry.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::{
    ByteString,
    api::core::v1::{LocalObjectReference, Secret},
};
use serde_json::{Map, Value, json};

use super::Making;
use crate::error::{Error, Result};

/// The secret's name.
pub const NAME: &str = "docker-config-tsuru";
const KIND: &str = "kubernetes.io/dockerconfigjson";
const KEY: &str = ".dockerconfigjson";

/// Which images need it: those of the configured registry, when something is known to show.
pub fn references(m: &Making<'_>, image: &str) -> Option<Vec<LocalObjectReference>> {
    let needed = domain(image) == m.server.registry && (m.pool.docker_config.is_some() || has_login(m));
    needed.then(|| vec![LocalObjectReference { name: NAME.into() }])
}

fn has_login(m: &Making<'_>) -> bool {
    !m.server.registry_user.is_empty() || !m.server.registry_password.expose().is_empty()
}

/// The registry that an image comes from; empty: the public one.
fn domain(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "",
    }
}

/// The secret: the cluster's own configuration with the registry's login.
pub fn secret(m: &Making<'_>) -> Result<Secret> {
    let mut config: Map<String, Value> = match &m.pool.docker_config {
        Some(text) => serde_json::from_str(text.expose())
            .map_err(|e| Error::refused(format!("could not decode custom Docker config from JSON: {e}")))?,
        None => Map::new(),
    };
    let auths = config.entry("auths").or_insert_with(|| json!({}));
    if has_login(m)
        && let Some(auths) = auths.as_object_mut()
    {
        let (user, password) = (m.server.registry_user.as_str(), m.server.registry_password.expose());
        let auth = STANDARD.encode(format!("{user}:{password}"));
        auths.insert(m.server.registry.clone(), json!({"auth": auth}));
    }
    let data = BTreeMap::from([(KEY.to_owned(), ByteString(serde_json::to_vec(&config).map_err(Error::internal)?))]);
    let metadata = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
        name: Some(NAME.into()),
        namespace: Some(m.spot.namespace.clone()),
        ..Default::default()
    };
    Ok(Secret { metadata, type_: Some(KIND.into()), data: Some(data), ..Secret::default() })
}

#[cfg(test)]
mod tests {
    use super::domain;

    #[test]
    fn the_registry_of_an_image_has_a_dot_or_a_port() {
        assert_eq!(
            ["r.io/a/b:v1", "localhost/a", "127.0.0.1:5000/x", "tsuru/python", "python"].map(domain),
            ["r.io", "localhost", "127.0.0.1:5000", "", ""]
        );
    }
}
