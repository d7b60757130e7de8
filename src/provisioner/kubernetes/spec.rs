//! What is known of a cluster: how it is reached, and what it was told about itself.

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

use super::settings::ClusterSettings;

/// A cluster as somebody entered it.
#[derive(Clone, Default, PartialEq)]
pub struct ClusterSpec {
    /// Name.
    pub name: String,
    /// Addresses of its API.
    pub addresses: Vec<String>,
    /// Certificate of its authority, PEM.
    pub ca: Vec<u8>,
    /// Our certificate, PEM.
    pub cert: Vec<u8>,
    /// Its key, PEM.
    pub key: Vec<u8>,
    /// What it was told about itself, the login among it.
    pub settings: ClusterSettings,
    /// `{"cluster": {...}, "user": {...}}` as in a kubeconfig.
    pub kube_config: Option<Map<String, Value>>,
    /// Through this proxy.
    pub proxy: String,
    /// The server runs in it.
    pub local: bool,
}

impl std::fmt::Debug for ClusterSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterSpec").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ClusterSpec {
    /// True when the server reaches it as a pod does.
    pub(super) fn is_around_us(&self) -> bool {
        self.kube_config.is_none() && (self.local || self.addresses.is_empty())
    }

    /// A whole kubeconfig; one of several addresses is taken by chance.
    pub(super) fn to_kubeconfig(&self) -> Value {
        let (mut cluster, user) = match &self.kube_config {
            Some(config) => (part(config, "cluster"), part(config, "user")),
            None => (self.cluster(), self.user()),
        };
        if !self.proxy.is_empty() {
            cluster.insert("proxy-url".into(), self.proxy.clone().into());
        }
        json!({
            "current-context": "impaas",
            "contexts": [{"name": "impaas", "context": {"cluster": "impaas", "user": "impaas"}}],
            "clusters": [{"name": "impaas", "cluster": cluster}],
            "users": [{"name": "impaas", "user": user}],
        })
    }

    fn cluster(&self) -> Map<String, Value> {
        let address = self.addresses.choose(&mut rand::rng()).cloned().unwrap_or_default();
        let server = if address.contains("://") { address } else { format!("https://{address}") };
        with_bytes(Map::from_iter([("server".into(), server.into())]), "certificate-authority-data", &self.ca)
    }

    fn user(&self) -> Map<String, Value> {
        let text = |key: &str| self.settings.of_all(key);
        let mut user = with_bytes(Map::new(), "client-certificate-data", &self.cert);
        user = with_bytes(user, "client-key-data", &self.key);
        match (text("username"), text("password"), text("token")) {
            (Some(name), Some(password), _) => {
                user.insert("username".into(), name.into());
                user.insert("password".into(), password.into());
            }
            (_, _, Some(token)) => {
                user.insert("token".into(), token.into());
            }
            _ => {}
        }
        user
    }
}

/// Why a kubeconfig is not taken: it would have this server run programs of its machine, or read files of it and show them to the cluster.
pub fn reaches_in(config: &Map<String, Value>) -> Option<String> {
    const ALL: [(&str, &[&str]); 2] =
        [("user", &["exec", "auth-provider", "tokenFile", "client-certificate", "client-key"]), ("cluster", &["certificate-authority"])];
    let is_said = |part: &str, name: &str| {
        let said = config.get(part).and_then(|part| part.get(name));
        said.is_some_and(|said| !said.is_null() && *said != "")
    };
    let mut said = ALL.iter().flat_map(|(part, names)| names.iter().map(|name| (*part, *name)));
    let (part, name) = said.find(|(part, name)| is_said(part, name))?;
    let why = "would run programs or read files of the server's machine; the server's setting kubernetes:trust-kubeconfigs allows it";
    Some(format!("kubeConfig.{part}.{name} {why}"))
}

fn part(config: &Map<String, Value>, name: &str) -> Map<String, Value> {
    config.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn with_bytes(mut to: Map<String, Value>, name: &str, bytes: &[u8]) -> Map<String, Value> {
    if !bytes.is_empty() {
        to.insert(name.into(), STANDARD.encode(bytes).into());
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn spec_with(custom: &[(&str, &str)]) -> ClusterSpec {
        let custom = custom.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect();
        let settings = ClusterSettings { custom, ..ClusterSettings::default() };
        ClusterSpec { name: "k1".into(), addresses: vec!["https://10.0.0.1:6443".into()], settings, ..ClusterSpec::default() }
    }

    #[test]
    fn user_and_password_win_over_a_token_only_together() {
        let user = |custom: &[(&str, &str)]| spec_with(custom).to_kubeconfig()["users"][0]["user"].clone();
        assert_eq!(user(&[("token", "t"), ("username", "u"), ("password", "p")]), json!({"username": "u", "password": "p"}));
        assert_eq!(user(&[("token", "t"), ("username", "u")]), json!({"token": "t"}));
        assert_eq!(user(&[]), json!({}));
    }

    #[test]
    fn certificates_and_proxy_go_where_a_kubeconfig_has_them() {
        let mut known = spec_with(&[]);
        (known.ca, known.cert, known.key, known.proxy) = (b"ca".into(), b"cert".into(), b"key".into(), "http://p:3128".into());
        let config = known.to_kubeconfig();
        let cluster = json!({"server": "https://10.0.0.1:6443", "certificate-authority-data": "Y2E=", "proxy-url": "http://p:3128"});
        assert_eq!(config["clusters"][0]["cluster"], cluster);
        assert_eq!(config["users"][0]["user"], json!({"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}));
    }

    #[test]
    fn a_kubeconfig_is_taken_as_it_is() {
        let mut known = spec_with(&[("token", "not used")]);
        let given = json!({"cluster": {"server": "https://c"}, "user": {"token": "t"}});
        known.kube_config = given.as_object().cloned();
        let config = known.to_kubeconfig();
        assert_eq!((&config["clusters"][0]["cluster"], &config["users"][0]["user"]), (&given["cluster"], &given["user"]));
    }

    #[test]
    fn a_kubeconfig_that_reaches_into_the_servers_machine_is_seen() {
        let why = |config: Value| reaches_in(config.as_object().unwrap());
        let plain = json!({"cluster": {"server": "https://c", "certificate-authority": ""}, "user": {"token": "t", "exec": null}});
        assert_eq!(why(plain), None);
        for name in ["exec", "auth-provider", "tokenFile", "client-certificate", "client-key"] {
            let told = why(json!({"user": {name: {"command": "/bin/sh"}}})).unwrap();
            assert!(told.starts_with(&format!("kubeConfig.user.{name} ")), "{told}");
        }
        assert!(why(json!({"cluster": {"certificate-authority": "/etc/shadow"}})).is_some());
    }

    #[test]
    fn without_address_or_when_local_the_cluster_is_the_one_around_us() {
        let mut known = spec_with(&[]);
        assert!(!known.is_around_us());
        known.local = true;
        assert!(known.is_around_us());
        known.kube_config = Some(Map::new());
        assert!(!known.is_around_us());
        assert!(ClusterSpec::default().is_around_us());
    }
}
