//! Makes, changes, removes clusters.

use serde_json::{Map, Value};

use super::{Bytes, Cluster, KUBERNETES};
use crate::{
    context::Context,
    error::{Error, Result, joined},
    event::Locked,
    names,
    pool::Pool,
    provisioner::kubernetes::{reaches_in, settings::entered},
    store::{Filter, Store, StoreError, Update, exact},
};

/// What clients see in place of a secret; sent back, it leaves the secret as it is.
pub const MASK: &str = "*****";
/// What of a kubeconfig's user is secret.
const SECRET_USER: [&str; 6] = ["token", "password", "client-key", "client-key-data", "auth-provider", "exec"];

/// 409 when the name is taken.
pub async fn check_new(store: &Store, name: &str) -> Result<()> {
    let taken = store.of::<Cluster>().count(Filter::id(name)).await? > 0;
    if taken { Err(Error::conflict("cluster already exists")) } else { Ok(()) }
}

/// Makes a cluster.
pub async fn create(ctx: &Context, _lock: &Locked<()>, cluster: &Cluster) -> Result<()> {
    let store = &ctx.store;
    check_new(store, &cluster.name).await?;
    for pool in &cluster.pools {
        Pool::load(store, pool).await?;
    }
    check(cluster, true)?;
    check_entered(ctx, cluster, &Cluster::default())?;
    leave_to(store, cluster).await?;
    match store.of::<Cluster>().insert(cluster).await {
        Ok(()) => Ok(()),
        Err(StoreError::Duplicate(_)) => Err(Error::conflict("cluster already exists")),
        Err(other) => Err(other.into()),
    }
}

/// Puts another one in its place; where that shows only the mask of a secret, the secret stays.
pub async fn replace(ctx: &Context, old: &Locked<Cluster>, mut cluster: Cluster) -> Result<()> {
    let store = &ctx.store;
    for pool in &cluster.pools {
        Pool::load(store, pool).await.map_err(|e| match e {
            Error::NotFound(text) => Error::Invalid(text),
            other => other,
        })?;
    }
    keep_secrets(old, &mut cluster);
    check(&cluster, false)?;
    check_entered(ctx, &cluster, old)?;
    leave_to(store, &cluster).await?;
    let fields = exact::document(&cluster)?;
    let optional = ["cacert", "clientcert", "clientkey", "pools", "customdata", "local", "kubeconfig"];
    let gone = optional.into_iter().filter(|name| !fields.contains_key(name));
    let update = gone.fold(Update::default(), |update, name| update.and_unset(name));
    let update = fields.iter().filter(|(key, _)| *key != "_id").fold(update, |update, (key, value)| update.and_set(key.as_str(), value));
    let changed = store.of::<Cluster>().update(Filter::id(&old.name), update).await?;
    changed.map(drop).ok_or_else(|| Error::not_found("cluster not found"))
}

/// Forgets a cluster.
pub async fn remove(store: &Store, cluster: &Locked<Cluster>) -> Result<()> {
    store.of::<Cluster>().delete(Filter::id(&cluster.name)).await?;
    Ok(())
}

fn check(cluster: &Cluster, new: bool) -> Result<()> {
    let invalid = |text: &str| Err(Error::invalid(text));
    let name = cluster.name.trim();
    if name.is_empty() {
        return invalid("cluster name is mandatory");
    }
    if new && !names::is_common(name) {
        return invalid(
            "Invalid cluster name, cluster name should have at most 40 characters, containing only lower case letters, numbers or \
             dashes, starting with a letter.",
        );
    }
    match (cluster.provisioner.as_str(), cluster.pools.is_empty(), cluster.default) {
        ("", ..) => invalid("provisioner name is mandatory"),
        (_, false, true) => invalid("cannot have both pools and default set"),
        (_, true, false) => invalid("either default or a list of pools must be set"),
        (KUBERNETES, ..) => kubernetes(cluster),
        ("local", ..) => invalid("provisioner error: the provisioner \"local\" has no clusters"),
        (other, ..) => invalid(&format!("provisioner error: unknown provisioner: {other:?}")),
    }
}

/// What of it would not do what was meant, or more; what the `old` one has may stay. tsuru's server takes it all.
fn check_entered(ctx: &Context, cluster: &Cluster, old: &Cluster) -> Result<()> {
    let custom = |cluster: &Cluster| cluster.custom_data.iter().map(|(key, value)| (key.clone(), value.0.clone())).collect();
    let mut faults = entered::faults(&custom(cluster), &custom(old));
    let config = cluster.kube_config.as_ref().filter(|_| !ctx.config.kubernetes.trust_kubeconfigs);
    faults.extend(config.and_then(reaches_in));
    let proxy = reqwest::Url::parse(&cluster.http_proxy).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    if !cluster.http_proxy.is_empty() && proxy.is_none() {
        faults.push("httpProxy is no address of a proxy, for example http://proxy:3128".into());
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(joined(&faults))) }
}

/// tsuru refuses these with status 500.
fn kubernetes(cluster: &Cluster) -> Result<()> {
    let mut faults = Vec::new();
    if cluster.custom_data.contains_key("single-pool") && cluster.pools.len() != 1 {
        let found = cluster.pools.len();
        faults.push(format!("only one pool is allowed to use entire cluster as single-pool. {found} pools found"));
    }
    if let Some(config) = &cluster.kube_config {
        let unused = [
            ("addresses", cluster.addresses.len() > 1),
            ("cacert", !cluster.ca_cert.is_empty()),
            ("clientcert", !cluster.client_cert.is_empty()),
            ("clientkey", !cluster.client_key.is_empty()),
        ];
        let named = unused.iter().filter(|(_, set)| *set);
        faults.extend(named.map(|(name, _)| format!("when kubeConfig is set the use of {name} is not used")));
        let server = config.get("cluster").and_then(|cluster| cluster.get("server")).and_then(Value::as_str).unwrap_or_default();
        if server.is_empty() {
            faults.push("kubeConfig.cluster.server field is required".into());
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::refused(joined(&faults))) }
}

/// A pool has one cluster of a provisioner, and there is one default one.
async fn leave_to(store: &Store, cluster: &Cluster) -> Result<()> {
    let others = || Filter::eq("provisioner", &cluster.provisioner).and(Filter::ne("_id", &cluster.name));
    for pool in &cluster.pools {
        store.of::<Named>().update_many(others().and(Filter::eq("pools", pool)), Update::pull("pools", pool)).await?;
    }
    if cluster.default {
        store.of::<Named>().update_many(others().and(Filter::eq("default", true)), Update::set("default", false)).await?;
    }
    Ok(())
}

/// A cluster without what is secret.
#[derive(serde::Serialize, serde::Deserialize)]
struct Named {
    #[serde(rename = "_id")]
    name: String,
}

impl crate::store::Document for Named {
    const SPEC: &'static crate::store::Spec = &crate::store::Spec { name: "provisioner_clusters", indexes: &[], sealed: &[] };
}

/// As clients see it.
pub fn masked(mut cluster: Cluster) -> Cluster {
    if !cluster.client_key.is_empty() {
        cluster.client_key = Bytes(MASK.into());
    }
    for (_, value) in cluster.custom_data.iter_mut().filter(|(name, value)| Cluster::is_secret(name) && !value.0.is_empty()) {
        value.0 = MASK.into();
    }
    for (name, value) in user(&mut cluster.kube_config) {
        if SECRET_USER.contains(&name.as_str()) && !value.is_null() && *value != "" {
            *value = MASK.into();
        }
    }
    cluster.http_proxy = masked_proxy(&cluster.http_proxy);
    cluster
}

/// An address without the password in it.
fn masked_proxy(address: &str) -> String {
    let url = reqwest::Url::parse(address).ok();
    match url.as_ref().and_then(reqwest::Url::password) {
        Some(password) => address.replacen(&format!(":{password}@"), &format!(":{MASK}@"), 1),
        None => address.to_owned(),
    }
}

fn user(config: &mut Option<Map<String, Value>>) -> impl Iterator<Item = (&String, &mut Value)> {
    let user = config.as_mut().and_then(|config| config.get_mut("user")).and_then(Value::as_object_mut);
    user.into_iter().flat_map(|user| user.iter_mut())
}

fn keep_secrets(old: &Cluster, cluster: &mut Cluster) {
    if cluster.client_key.0 == MASK.as_bytes() {
        cluster.client_key = old.client_key.clone();
    }
    for (name, value) in cluster.custom_data.iter_mut().filter(|(_, value)| value.0.expose() == MASK) {
        *value = old.custom_data.get(name).cloned().unwrap_or_default();
    }
    if cluster.http_proxy == masked_proxy(&old.http_proxy) {
        cluster.http_proxy.clone_from(&old.http_proxy);
    }
    let known = old.kube_config.as_ref().and_then(|config| config.get("user"));
    for (name, value) in user(&mut cluster.kube_config).filter(|(_, value)| **value == MASK) {
        *value = known.and_then(|user| user.get(name)).cloned().unwrap_or(Value::Null);
    }
}
