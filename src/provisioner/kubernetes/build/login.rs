//! What is shown to a registry, and where it is asked for.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::Builds;
use crate::secret::Secret;

/// A user and a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// User.
    pub user: String,
    /// Password.
    pub password: Secret,
}

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
}

impl Builds<'_> {
    /// What the cluster's `docker-config-json` says of a registry, else `docker:registry-auth` of the server's own.
    pub(super) fn login(self, registry: &str) -> Option<Login> {
        let config = self.cluster.settings.get("", "docker-config-json");
        let config: Config = config.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if let Some(own) = config.auths.get(registry).or_else(|| config.auths.get(&format!("https://{registry}"))) {
            return own.login();
        }
        let known = registry == self.server.registry && !self.server.registry_user.is_empty();
        known.then(|| Login { user: self.server.registry_user.clone(), password: self.server.registry_password.clone() })
    }
}

impl Auth {
    fn login(&self) -> Option<Login> {
        if !self.username.is_empty() {
            return Some(Login { user: self.username.clone(), password: Secret::from(self.password.as_str()) });
        }
        let both = String::from_utf8(STANDARD.decode(&self.auth).ok()?).ok()?;
        let (user, password) = both.split_once(':')?;
        Some(Login { user: user.into(), password: Secret::from(password) })
    }
}
