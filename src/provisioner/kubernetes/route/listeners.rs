//! Where a gateway takes requests to host names of an app that have certificates, and those that are set by hand.

use kube::{Api, ResourceExt};

use super::{certificate, gateway, is_frozen, issued, put};
use crate::{
    error::{Error, Result},
    provisioner::{
        kubernetes::{
            Kubernetes,
            client::SHORT,
            objects::{
                custom::{Custom, Kind},
                http_route::{self, HttpRoute, INSTANCE},
                listeners::{self, CRD, ListenerSet, OwnGateway, Secured},
                names,
            },
            write::LONG,
        },
        routes::{Edge, Gateway, Host},
    },
    secret::Secret as Key,
};

/// An app at a gateway.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The cluster.
    pub cluster: &'a Kubernetes,
    /// The router.
    pub edge: &'a Edge,
    /// Its gateway.
    pub gateway: &'a Gateway,
    /// The app.
    pub app: &'a str,
}

impl Site<'_> {
    /// Makes the app's listeners these, which may be none.
    pub async fn ensure(self, main: &HttpRoute, secured: &Secured) -> Result<()> {
        if self.gateway.class.is_empty() {
            self.ensure_as::<ListenerSet>(main, secured).await
        } else {
            self.ensure_as::<OwnGateway>(main, secured).await
        }
    }

    async fn ensure_as<K: Kind>(self, main: &HttpRoute, secured: &Secured) -> Result<()> {
        let there = self.all::<K>().await?;
        if !secured.is_empty() {
            there.as_ref().ok_or_else(absent)?;
            let want = listeners::of::<K>(main, (self.edge, self.gateway), self.app, secured);
            let api = Api::namespaced(self.cluster.client.clone(), &main.namespace().unwrap_or_default());
            put(&self.cluster.writer(LONG), &api, &want, |want, _| want).await?;
        }
        // tsuru's router had a set for each name.
        let is_kept = |object: &Custom<K>| object.name_any() == self.name() && !secured.is_empty();
        self.drop_all(there.into_iter().flatten().filter(|object| !is_kept(object) && !is_frozen(object))).await
    }

    /// Removes the listeners of an app.
    pub async fn remove(self) -> Result<()> {
        if self.gateway.class.is_empty() {
            self.drop_all(self.all::<ListenerSet>().await?.into_iter().flatten()).await
        } else {
            self.drop_all(self.all::<OwnGateway>().await?.into_iter().flatten()).await
        }
    }

    async fn drop_all<K: Kind>(self, all: impl Iterator<Item = Custom<K>>) -> Result<()> {
        for gone in all {
            self.cluster.drop_one(&gone).await?;
        }
        Ok(())
    }

    fn name(self) -> String {
        names::listeners(self.app, &self.edge.instance)
    }

    /// `None` where the cluster has no such objects.
    async fn all<K: Kind>(self) -> Result<Option<Vec<Custom<K>>>> {
        self.cluster.all_if_there(self.app, &format!(",{INSTANCE}={}", self.edge.instance), LONG).await
    }

    async fn secured(self) -> Result<Secured> {
        async fn of<K: Kind>(site: Site<'_>) -> Result<Secured> {
            let all = site.all::<K>().await?.into_iter().flatten();
            Ok(all.filter(|object| object.name_any() == site.name()).flat_map(|object| listeners::secured(&object)).collect())
        }
        if self.gateway.class.is_empty() { of::<ListenerSet>(self).await } else { of::<OwnGateway>(self).await }
    }

    /// The route of a host name, when its certificate may be set by hand.
    async fn open(self, at: Host<'_>, what: &str) -> Result<HttpRoute> {
        let none = || Error::refused(format!("cname {} is not reached by this router yet: the app waits for a deploy", at.name));
        let route = gateway::serving(self, at.name).await?.ok_or_else(none)?;
        if issued::is_asked(self.cluster, self.edge, at, &route.namespace().unwrap_or_default()).await? {
            return Err(Error::refused(format!("cannot {what} HTTPRoute {}, it is managed by cert-manager", route.name_any())));
        }
        Ok(route)
    }

    /// Writes a certificate, then has the app's listeners name it.
    pub async fn set(self, at: Host<'_>, pair: (&str, &Key)) -> Result<()> {
        if self.gateway.class.is_empty() {
            self.all::<ListenerSet>().await?.ok_or_else(absent)?;
        }
        let route = self.open(at, "add certificate to").await?;
        let secret = certificate::keep(self.cluster, self.edge, at, &route.namespace().unwrap_or_default(), pair).await?;
        let mut secured = self.secured().await?;
        secured.insert(at.name.to_owned(), secret);
        self.ensure(&route, &secured).await?;
        self.take_up(&route, Some(&self.name())).await
    }

    /// Has the app's listeners name it no more, then removes the certificate.
    pub async fn unset(self, at: Host<'_>) -> Result<bool> {
        let route = self.open(at, "remove certificate from").await?;
        let mut secured = self.secured().await?;
        self.take_up(&route, None).await?;
        if secured.remove(at.name).is_some() {
            self.ensure(&route, &secured).await?;
        }
        certificate::forget(self.cluster, self.edge, (self.app, at.name), &route.namespace().unwrap_or_default()).await
    }

    async fn take_up(self, route: &HttpRoute, own: Option<&str>) -> Result<()> {
        let api = Api::<HttpRoute>::namespaced(self.cluster.client.clone(), &route.namespace().unwrap_or_default());
        let change = |there: Option<&HttpRoute>| Ok(there.map(|there| http_route::at_listeners(there.clone(), self.gateway, own)));
        self.cluster.writer(SHORT).change(&api, &route.name_any(), change).await.map(drop)
    }

    /// The certificate that a host name is served with, whoever made it.
    pub async fn shown(self, at: Host<'_>) -> Result<Option<String>> {
        let Some(route) = gateway::serving(self, at.name).await? else { return Ok(None) };
        certificate::shown(self.cluster, self.edge, at, &route.namespace().unwrap_or_default()).await
    }
}

/// What a cluster answers where apps can have no listeners.
fn absent() -> Error {
    let other = "or the router needs a gateway-class";
    Error::refused(format!("the cluster has no sets of listeners, which certificates at a gateway need (missing CRD {CRD}), {other}"))
}
