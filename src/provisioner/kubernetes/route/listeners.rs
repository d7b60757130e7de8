//! Where a gateway takes requests to host names of an app that have certificates, and those that are set by hand.

use std::marker::PhantomData;

use async_trait::async_trait;
use kube::{Api, ResourceExt};

use super::{certificate, gateway, is_frozen, issued, put};
use crate::{
    error::{Error, Result},
    provisioner::{
        kubernetes::{
            Kubernetes,
            client::SHORT,
            objects::{
                custom::Custom,
                http_route::{self, HttpRoute, INSTANCE},
                listeners::{self, CRD, ListenerSet, Listens, OwnGateway, Secured},
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

/// The listeners of an app at a gateway, whatever kind of object has them.
#[async_trait]
pub trait Listeners: Send + Sync {
    /// Makes them these, which may be none.
    async fn ensure(&self, main: &HttpRoute, secured: &Secured) -> Result<()>;
    /// Removes them.
    async fn remove(&self) -> Result<()>;
    /// The host names that have some; `None` where the cluster has no such objects.
    async fn secured(&self) -> Result<Option<Secured>>;
}

/// Those that objects of one kind have.
struct Of<'a, K>(Site<'a>, PhantomData<K>);

impl<K: Listens> Of<'_, K> {
    /// `None` where the cluster has no such objects.
    async fn all(&self) -> Result<Option<Vec<Custom<K>>>> {
        let site = self.0;
        site.cluster.all_if_there(site.app, &format!(",{INSTANCE}={}", site.edge.instance), LONG).await
    }

    async fn drop_all(&self, all: impl Iterator<Item = Custom<K>> + Send) -> Result<()> {
        for gone in all {
            self.0.cluster.drop_one(&gone, LONG).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl<K: Listens> Listeners for Of<'_, K> {
    async fn ensure(&self, main: &HttpRoute, secured: &Secured) -> Result<()> {
        let (site, there) = (self.0, self.all().await?);
        if !secured.is_empty() {
            there.as_ref().ok_or_else(absent)?;
            let want = listeners::of::<K>(main, (site.edge, site.gateway), site.app, secured);
            let api = Api::namespaced(site.cluster.client.clone(), &main.namespace().unwrap_or_default());
            put(&site.cluster.writer(LONG), &api, &want, |want, _| want).await?;
        }
        // tsuru's router had a set for each name.
        let is_kept = |object: &Custom<K>| object.name_any() == site.name() && !secured.is_empty();
        self.drop_all(there.into_iter().flatten().filter(|object| !is_kept(object) && !is_frozen(object))).await
    }

    async fn remove(&self) -> Result<()> {
        self.drop_all(self.all().await?.into_iter().flatten()).await
    }

    async fn secured(&self) -> Result<Option<Secured>> {
        let own = |all: Vec<Custom<K>>| all.into_iter().filter(|object| object.name_any() == self.0.name());
        Ok(self.all().await?.map(|all| own(all).flat_map(|object| listeners::secured(&object)).collect()))
    }
}

impl<'a> Site<'a> {
    /// The app's listeners.
    pub fn listeners(self) -> Box<dyn Listeners + 'a> {
        match self.gateway.class {
            None => Box::new(Of(self, PhantomData::<ListenerSet>)),
            Some(_) => Box::new(Of(self, PhantomData::<OwnGateway>)),
        }
    }

    fn name(self) -> String {
        names::listeners(self.app, &self.edge.instance)
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

    /// The route that a certificate can be set for by hand, and the listeners that there are.
    pub async fn check(self, at: Host<'_>) -> Result<(HttpRoute, Secured)> {
        let secured = self.listeners().secured().await?.ok_or_else(absent)?;
        Ok((self.open(at, "add certificate to").await?, secured))
    }

    /// Writes a certificate, then has the app's listeners name it.
    pub async fn set(self, at: Host<'_>, pair: (&str, &Key)) -> Result<()> {
        let (route, mut secured) = self.check(at).await?;
        let secret = certificate::keep(self.cluster, self.edge, at, &route.namespace().unwrap_or_default(), pair).await?;
        secured.insert(at.name.to_owned(), secret);
        self.listeners().ensure(&route, &secured).await?;
        self.take_up(&route, Some(&self.name())).await
    }

    /// Has the app's listeners name it no more, then removes the certificate.
    pub async fn unset(self, at: Host<'_>) -> Result<bool> {
        let route = self.open(at, "remove certificate from").await?;
        let mut secured = self.listeners().secured().await?.unwrap_or_default();
        self.take_up(&route, None).await?;
        if secured.remove(at.name).is_some() {
            self.listeners().ensure(&route, &secured).await?;
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
