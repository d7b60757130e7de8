//! The objects that ImPaaS writes to a cluster: pure functions from what it knows to the object.

pub mod account;
pub mod app_resource;
pub mod autoscale;
pub mod budget;
pub mod certificate;
pub mod custom;
pub mod deployment;
pub mod env;
pub mod filled;
pub mod google;
pub mod http_route;
pub mod ingress;
pub mod isolated;
pub mod isolation;
pub mod job;
pub mod keda;
pub mod labels;
pub mod listeners;
pub mod names;
pub mod namespace;
pub mod node;
pub mod ports;
pub mod probe;
pub mod pull_secret;
pub mod quantity;
pub mod resources;
pub mod routing;
#[cfg(test)]
mod samples;
pub mod secret;
pub mod service;
pub mod spot;
pub mod volume;

#[cfg(test)]
mod tests;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

pub use spot::Spot;

use self::labels::Labels;
use super::settings::{PoolSettings, ServerSettings};
use crate::provisioner::{AppState, ProcessState};

/// Everything that the objects of one process of one version are made from.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// The app.
    pub app: &'a AppState,
    /// The process.
    pub process: &'a ProcessState,
    /// Its deployment's place in the cluster.
    pub spot: &'a Spot,
    /// What the cluster's custom data says for the app's pool.
    pub pool: &'a PoolSettings,
    /// What the server's settings say.
    pub server: &'a ServerSettings,
}

/// Name, namespace and labels.
fn meta(name: impl Into<String>, namespace: &str, labels: Labels) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), namespace: Some(namespace.into()), labels: Some(labels), ..ObjectMeta::default() }
}

/// Nothing rather than an empty map: as objects are read back.
fn some<T: IntoIterator + Clone>(all: T) -> Option<T> {
    all.clone().into_iter().next().is_some().then_some(all)
}

/// An object goes with its owner.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// `apps/v1`.
    pub api: &'a str,
    /// `Deployment`.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its identity, given by the API server.
    pub uid: &'a str,
}

impl Owner<'_> {
    /// As the one that controls the object.
    pub fn controls(&self) -> OwnerReference {
        OwnerReference { block_owner_deletion: Some(true), controller: Some(true), ..self.names() }
    }

    /// As one that the object goes with.
    pub fn names(&self) -> OwnerReference {
        OwnerReference {
            api_version: self.api.into(),
            kind: self.kind.into(),
            name: self.name.into(),
            uid: self.uid.into(),
            ..OwnerReference::default()
        }
    }
}
