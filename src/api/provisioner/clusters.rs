//! `/provisioner/clusters`.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    api::{
        Answer, Call, answer,
        extract::decode_json,
        record::{New, Recording},
    },
    cluster::{
        Bytes, Cluster, Hidden,
        change::{self, masked},
        know,
    },
    error::{Error, Result},
    event::{Target, TargetType},
    store::{Filter, Find},
};

/// A cluster as clients send and see it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct View {
    name: String,
    addresses: Option<Vec<String>>,
    provisioner: String,
    cacert: Option<String>,
    clientcert: Option<String>,
    clientkey: Option<String>,
    pools: Option<Vec<String>>,
    custom_data: Option<BTreeMap<String, String>>,
    local: bool,
    default: bool,
    #[serde(rename = "kubeConfig", skip_serializing_if = "Option::is_none")]
    kube_config: Option<Map<String, Value>>,
    #[serde(rename = "httpProxy", skip_serializing_if = "String::is_empty")]
    http_proxy: String,
}

impl From<Cluster> for View {
    fn from(cluster: Cluster) -> Self {
        let cluster = masked(cluster);
        let data: BTreeMap<_, _> = cluster.custom_data.into_iter().map(|(name, value)| (name, value.0.expose().to_owned())).collect();
        Self {
            name: cluster.name,
            addresses: Some(cluster.addresses),
            provisioner: cluster.provisioner,
            cacert: cluster.ca_cert.encoded(),
            clientcert: cluster.client_cert.encoded(),
            clientkey: cluster.client_key.encoded(),
            pools: (!cluster.pools.is_empty()).then_some(cluster.pools),
            custom_data: (!data.is_empty()).then_some(data),
            local: cluster.local,
            default: cluster.default,
            kube_config: cluster.kube_config,
            http_proxy: cluster.http_proxy,
        }
    }
}

impl View {
    fn cluster(self) -> Result<Cluster> {
        let bytes = |text: Option<String>| Bytes::decoded(&text.unwrap_or_default());
        let data = self.custom_data.unwrap_or_default();
        Ok(Cluster {
            name: self.name,
            addresses: self.addresses.unwrap_or_default(),
            provisioner: self.provisioner,
            ca_cert: bytes(self.cacert)?,
            client_cert: bytes(self.clientcert)?,
            client_key: bytes(self.clientkey)?,
            pools: self.pools.unwrap_or_default(),
            custom_data: data.into_iter().map(|(name, value)| (name, Hidden(value.into()))).collect(),
            local: self.local,
            default: self.default,
            kube_config: self.kube_config,
            http_proxy: self.http_proxy,
        })
    }

    /// For those who may only read clusters.
    fn without_secrets(mut self) -> Self {
        self.clientkey = None;
        if let Some(data) = &mut self.custom_data {
            data.retain(|name, _| !Cluster::is_secret(name));
        }
        self
    }
}

/// Forms were taken once.
fn only_json(call: &Call) -> Result<()> {
    match call.header("content-type") {
        None | Some("" | "application/json") => Ok(()),
        Some(other) => Err(Error::refused(format!("Invalid Content-Type {other:?}"))),
    }
}

async fn sent(call: &mut Call) -> Result<View> {
    only_json(call)?;
    decode_json(&call.body().await?)
}

/// Keys and what may be a password are not kept in events.
async fn recording(call: &mut Call, permission: &'static str) -> Result<Recording> {
    let fields = call.asked().await?.into_iter().map(|(name, _)| name);
    let secret = fields.filter(|name| {
        let first = name.split('.').next().unwrap_or_default();
        ["clientkey", "kubeconfig", "custom_data", "httpproxy"].iter().any(|secret| first.eq_ignore_ascii_case(secret))
    });
    Ok(secret.fold(Recording::of(permission), Recording::hiding))
}

/// Clients that ask for a stream are told that an empty one comes.
fn done(call: &Call) -> Answer {
    const STREAM: &str = "application/x-json-stream";
    let streams = call.header("accept").is_some_and(|accept| accept.starts_with(STREAM));
    if streams { Ok(HttpResponse::Ok().content_type(STREAM).finish()) } else { answer::ok() }
}

/// All clusters.
pub async fn list(call: Call) -> Answer {
    call.permit("cluster.read", &[])?;
    let by_name = Find { sort: Some(("_id", false)), ..Find::default() };
    let clusters = call.ctx.store.of::<Cluster>().find_with(Filter::All, by_name).await?.into_iter().map(View::from);
    let admin = call.permit("cluster.admin", &[]).is_ok();
    let seen: Vec<View> = clusters.map(|cluster| if admin { cluster } else { cluster.without_secrets() }).collect();
    answer::json_list(&seen)
}

/// One cluster. Its secrets are masked: sent back as they are, they stay.
pub async fn info(call: Call) -> Answer {
    call.permit("cluster.read", &[])?;
    answer::json(&View::from(Cluster::load(&call.ctx.store, call.var("name")).await?))
}

/// Makes a cluster.
pub async fn create(mut call: Call) -> Answer {
    call.permit("cluster.create", &[])?;
    let cluster = sent(&mut call).await?.cluster()?;
    let target = Target::new(TargetType::Cluster, &cluster.name);
    let recording = recording(&mut call, "cluster.create").await?;
    let event = call.record_new(recording, New { target, events_permission: "cluster.read.events", contexts: Vec::new() }).await?;
    let made = change::create(&call.ctx, &event, &cluster).await;
    event.end(made).await?;
    know::tell(&call.ctx).await;
    done(&call)
}

/// Puts another one in the place of a cluster.
pub async fn update(mut call: Call) -> Answer {
    call.permit("cluster.update", &[])?;
    let mut cluster = sent(&mut call).await?.cluster()?;
    let old = Cluster::load(&call.ctx.store, call.var("name")).await?;
    cluster.name.clone_from(&old.name);
    let recording = recording(&mut call, "cluster.update").await?;
    let old = call.record(recording, old).await?;
    let changed = change::replace(&call.ctx, &old, cluster).await;
    old.end(changed).await?;
    know::tell(&call.ctx).await;
    done(&call)
}

/// Removes a cluster.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("cluster.delete", &[])?;
    let cluster = Cluster::load(&call.ctx.store, call.var("name")).await?;
    let cluster = call.record("cluster.delete", cluster).await?;
    let removed = change::remove(&call.ctx.store, &cluster).await;
    cluster.end(removed).await?;
    know::tell(&call.ctx).await;
    done(&call)
}
