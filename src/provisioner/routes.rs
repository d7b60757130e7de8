//! How requests from outside reach apps by objects of their cluster: what a router of the type `ingress` has a provisioner do.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{error::Result, secret::Secret};

/// Where requests to one of an app's names go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Before the app's name; empty: the app itself.
    pub prefix: String,
    /// A service of the cluster.
    pub service: String,
    /// Its namespace.
    pub namespace: String,
}

/// A router that writes objects of the cluster, as somebody described it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// What the names of apps are followed by: `apps.example.com`.
    pub domain: String,
    /// The class of ingress; empty: the cluster's usual one.
    pub class: String,
    /// The port that addresses are shown with; none: the usual one of the scheme.
    pub port: Option<u16>,
    /// Part of the names of all objects: two routers of a cluster need different ones.
    pub instance: String,
    /// Stands before options that are annotations and have no `/` of their own.
    pub annotations_prefix: String,
    /// Annotations of all objects.
    pub annotations: BTreeMap<String, String>,
    /// Options of apps that say nothing else.
    pub opts: BTreeMap<String, String>,
    /// Routes of this gateway are written in place of ingresses.
    pub gateway: Option<Gateway>,
}

/// A gateway of the Gateway API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Apps with certificates have gateways of this class; none: sets of listeners of this gateway.
    pub class: Option<String>,
    /// The port of host names with certificates.
    pub port: u16,
}

impl Default for Gateway {
    fn default() -> Self {
        Self { namespace: String::new(), name: String::new(), class: None, port: 443 }
    }
}

/// How an app wants to be reached.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// The app.
    pub app: String,
    /// The team that owns it.
    pub team: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Host names of its own.
    pub cnames: Vec<String>,
    /// Who makes certificates for them.
    pub issuers: BTreeMap<String, String>,
    /// What it says to its router.
    pub opts: BTreeMap<String, String>,
}

/// How an app fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where it answers.
    pub addresses: Vec<String>,
    /// True when something took the objects up.
    pub ready: bool,
    /// Why not.
    pub detail: String,
}

/// Has requests from outside reach apps.
#[async_trait]
pub trait Routes: Send + Sync {
    /// Where requests to the app's names can go; nothing while nothing of it serves.
    async fn targets(&self, app: &str) -> Result<Vec<Target>>;
    /// Makes the objects what is wanted. Where the app answers then; nowhere while nothing of it serves.
    async fn ensure(&self, edge: &Edge, route: &Route) -> Result<Vec<String>>;
    /// Removes the objects of an app, certificates that were set by hand included.
    async fn remove(&self, edge: &Edge, app: &str) -> Result<()>;
    /// How the app fares, from memory; nothing when it has no objects.
    async fn standing(&self, edge: &Edge, app: &str) -> Option<Standing>;
    /// Refuses a host name of the app's that can be given no certificate by hand.
    async fn check_certificate(&self, edge: &Edge, at: Host<'_>) -> Result<()>;
    /// Sets a certificate of one of the app's host names by hand.
    async fn set_certificate(&self, edge: &Edge, at: Host<'_>, pair: (&str, &Secret)) -> Result<()>;
    /// Removes it; false when there was none.
    async fn remove_certificate(&self, edge: &Edge, at: Host<'_>) -> Result<bool>;
    /// The certificate that is there, without its key.
    async fn certificate(&self, edge: &Edge, at: Host<'_>) -> Result<Option<String>>;
}

/// One of an app's host names.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// The app.
    pub app: &'a str,
    /// The name.
    pub name: &'a str,
}

impl Edge {
    /// The options that hold: the app's, and where it says nothing the router's.
    pub fn opts(&self, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut opts = self.opts.clone();
        opts.extend(own.clone());
        opts.retain(|_, value| !value.is_empty());
        opts
    }

    /// True when the two write objects of the same names.
    pub fn collides(&self, other: &Self) -> bool {
        self.instance == other.instance && self.gateway.is_some() == other.gateway.is_some()
    }
}
