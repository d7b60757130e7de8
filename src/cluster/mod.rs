//! Clusters: where pools' apps run. They are kept here with their keys sealed; what speaks to them is their provisioner.

pub mod change;
pub mod help;
pub mod know;
pub mod server;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bson::{Binary, spec::BinarySubtype};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    error::{Error, OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::Context,
    pool::Pool,
    secret::Secret,
    store::{Document, Filter, Spec, Store, lenient},
};

/// The provisioner of pools that name none.
pub const KUBERNETES: &str = "kubernetes";
/// The provisioner of this machine, which has no clusters.
const LOCAL: &str = "local";
/// Custom data that nobody reads back.
const SECRET_DATA: [&str; 3] = ["token", "password", "docker-config-json"];

/// A cluster as stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cluster {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Addresses of its API.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub addresses: Vec<String>,
    /// Its provisioner.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub provisioner: String,
    /// Certificate of its authority.
    #[serde(default, rename = "cacert", skip_serializing_if = "Bytes::is_empty")]
    pub ca_cert: Bytes,
    /// Our certificate.
    #[serde(default, rename = "clientcert", skip_serializing_if = "Bytes::is_empty")]
    pub client_cert: Bytes,
    /// Its key, sealed.
    #[serde(default, rename = "clientkey", skip_serializing_if = "Bytes::is_empty")]
    pub client_key: Bytes,
    /// Pools whose apps run in it.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<String>,
    /// What its provisioner wants to know, sealed.
    #[serde(default, rename = "customdata", deserialize_with = "lenient::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_data: BTreeMap<String, Hidden>,
    /// The server runs in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
    /// Pools without cluster run in it.
    #[serde(default)]
    pub default: bool,
    /// How it is reached, as in a kubeconfig, sealed.
    #[serde(default, rename = "kubeconfig", deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<Map<String, Value>>,
    /// Through this proxy, sealed: it may have a password.
    #[serde(default, rename = "httpproxy", deserialize_with = "lenient::or_default")]
    pub http_proxy: String,
}

/// A value that is written to the store, where it is sealed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub Secret);

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

/// Bytes that are binary in the store and base64 to clients. They may be a key: they are not printed.
#[derive(Clone, Default, PartialEq)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Bytes {
    /// From base64.
    pub fn decoded(text: &str) -> Result<Self> {
        STANDARD.decode(text.as_bytes()).map(Self).map_err(|e| Error::invalid(format!("illegal base64 data: {e}")))
    }

    /// As base64; none when there is nothing.
    pub fn encoded(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| STANDARD.encode(&self.0))
    }

    /// True when there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Binary { subtype: BinarySubtype::Generic, bytes: self.0.clone() }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<Binary>::deserialize(from)?.map(|binary| Self(binary.bytes)).unwrap_or_default())
    }
}

impl Document for Cluster {
    const SPEC: &'static Spec =
        &Spec { name: "provisioner_clusters", indexes: &[], sealed: &["clientkey", "customdata", "httpproxy", "kubeconfig"] };
}

impl Cluster {
    /// The cluster of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::id(name)).await?.or_not_found("cluster not found")
    }

    /// The cluster that a pool's apps run in: the one that names it, else the default one.
    pub async fn of_pool(store: &Store, pool: &Pool) -> Result<Option<Self>> {
        let provisioner = if pool.provisioner.is_empty() { KUBERNETES } else { &pool.provisioner };
        if provisioner == LOCAL {
            return Ok(None);
        }
        let all = store.of::<Self>().all().await?;
        Ok(Self::among(&all, provisioner, pool).cloned())
    }

    /// The same, among all clusters.
    fn among<'a>(all: &'a [Self], provisioner: &str, pool: &Pool) -> Option<&'a Self> {
        let own = || all.iter().filter(|cluster| cluster.provisioner == provisioner);
        let named = own().find(|cluster| cluster.pools.contains(&pool.name));
        named.or_else(|| own().find(|cluster| cluster.default))
    }

    /// True for custom data that nobody reads back.
    pub fn is_secret(name: &str) -> bool {
        SECRET_DATA.iter().any(|secret| name == *secret || name.ends_with(&format!(":{secret}")))
    }
}

impl Subject for Cluster {
    fn target(&self) -> Target {
        Target::new(TargetType::Cluster, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        Vec::new()
    }

    fn events_permission(&self) -> &'static str {
        "cluster.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}

/// What brokers and routers that serve several clusters are told of the one that a pool's apps run in.
pub async fn headers(store: &Store, pool: &Pool) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut say = |name: &'static str, value: &str| {
        // What cannot be said in a header is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    say("x-tsuru-pool-name", &pool.name);
    say("x-tsuru-pool-provisioner", &pool.provisioner);
    if let Some(cluster) = Cluster::of_pool(store, pool).await? {
        say("x-tsuru-cluster-name", &cluster.name);
        say("x-tsuru-cluster-provisioner", &cluster.provisioner);
        cluster.addresses.iter().for_each(|address| say("x-tsuru-cluster-addresses", address));
        let told = cluster.custom_data.get("propagate-kubeconfig").is_some_and(|value| value.0.expose() == "true");
        if let Some(config) = cluster.kube_config.as_ref().filter(|_| told) {
            let json = serde_json::to_vec(config).map_err(Error::internal)?;
            say("x-tsuru-cluster-kube-config", &STANDARD.encode(json));
        }
    }
    Ok(headers)
}
