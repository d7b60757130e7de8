//! Has requests from outside reach the apps of a cluster: by ingresses, or by routes of a gateway.

mod certificate;
mod gateway;
mod ingress;
mod issued;
mod issuer;
mod listeners;
mod target;

use std::{
    fmt::Debug,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use k8s_openapi::api::{core::v1::Service, networking::v1::Ingress};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio_util::sync::{CancellationToken, DropGuard};

use listeners::Site;

use super::{
    Kubernetes,
    client::SHORT,
    kept::Kept,
    objects::{
        http_route::HttpRoute,
        labels, names,
        routing::{Backend, FREEZE, Routing},
    },
    watch::Cache,
    write::{LONG, Object, Writer},
};
use crate::{
    error::{Error, Result},
    provisioner::routes::{Edge, Host, Route, Routes, Standing, Target},
    secret::Secret,
};

/// How long a first look at what is watched may take: somebody only wants to see how an app fares.
const FIRST: Duration = Duration::from_millis(500);

/// Ingresses and routes, watched from when somebody first asks: most clusters have only one of the two.
pub struct Watched {
    client: Client,
    ingresses: OnceLock<Arc<Cache<Ingress>>>,
    http_routes: OnceLock<Arc<Cache<HttpRoute>>>,
    token: CancellationToken,
    _end: DropGuard,
}

impl Watched {
    /// Nothing is watched yet.
    pub fn new(client: Client) -> Self {
        let token = CancellationToken::new();
        let end = token.clone().drop_guard();
        Self { client, ingresses: OnceLock::new(), http_routes: OnceLock::new(), token, _end: end }
    }

    fn begin<K>(&self) -> Arc<Cache<K>>
    where
        K: Resource<DynamicType = ()> + Kept + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        Cache::of_apps(self.client.clone(), self.token.clone())
    }

    fn ingresses(&self) -> &Cache<Ingress> {
        self.ingresses.get_or_init(|| self.begin())
    }

    fn http_routes(&self) -> &Cache<HttpRoute> {
        self.http_routes.get_or_init(|| self.begin())
    }
}

impl Kubernetes {
    /// The services of an app, as they are now.
    async fn services_of(&self, app: &str, patience: Duration) -> Result<Vec<Service>> {
        self.all_of(app, "", patience).await
    }

    async fn routing<'a>(&self, edge: &'a Edge, route: &'a Route) -> Result<Option<Routing<'a>>> {
        let services = self.services_of(&route.app, LONG).await?;
        let opts = edge.opts(&route.opts);
        let port = opts.get("exposed-port").map(String::as_str);
        let backends = target::of(&services).into_iter().map(|(prefix, service)| {
            // Only the app's own service has the port that the app speaks of.
            Backend::of(&prefix, service, port.filter(|_| prefix.is_empty()))
        });
        Ok(Routing::new(edge, route, backends.collect::<Result<_>>()?))
    }
}

#[async_trait]
impl Routes for Kubernetes {
    async fn targets(&self, app: &str) -> Result<Vec<Target>> {
        let services = self.services_of(app, SHORT).await?;
        let target = |(prefix, service): (String, &Service)| Target {
            prefix,
            service: service.name_any(),
            namespace: service.namespace().unwrap_or_default(),
        };
        Ok(target::of(&services).into_iter().map(target).collect())
    }

    async fn ensure(&self, edge: &Edge, route: &Route) -> Result<Vec<String>> {
        match (self.routing(edge, route).await?, &edge.gateway) {
            (Some(routing), None) => ingress::ensure(self, &routing).await,
            (Some(routing), Some(gateway)) => gateway::ensure(self, &routing, gateway).await,
            (None, None) => ingress::remove(self, edge, &route.app).await.map(|()| Vec::new()),
            (None, Some(gateway)) => gateway::remove(Site { cluster: self, edge, gateway, app: &route.app }).await.map(|()| Vec::new()),
        }
    }

    async fn remove(&self, edge: &Edge, app: &str) -> Result<()> {
        match &edge.gateway {
            Some(gateway) => gateway::remove(Site { cluster: self, edge, gateway, app }).await?,
            None => ingress::remove(self, edge, app).await?,
        }
        certificate::remove_all(self, edge, app).await
    }

    async fn standing(&self, edge: &Edge, app: &str) -> Option<Standing> {
        if edge.gateway.is_some() { gateway::standing(self, edge, app).await } else { ingress::standing(self, edge, app).await }
    }

    async fn check_certificate(&self, edge: &Edge, at: Host<'_>) -> Result<()> {
        match &edge.gateway {
            Some(gateway) => Site { cluster: self, edge, gateway, app: at.app }.check(at).await.map(drop),
            None => certificate::check(self, edge, at).await.map(drop),
        }
    }

    async fn set_certificate(&self, edge: &Edge, at: Host<'_>, pair: (&str, &Secret)) -> Result<()> {
        match &edge.gateway {
            Some(gateway) => Site { cluster: self, edge, gateway, app: at.app }.set(at, pair).await,
            None => certificate::set(self, edge, at, pair).await,
        }
    }

    async fn remove_certificate(&self, edge: &Edge, at: Host<'_>) -> Result<bool> {
        match &edge.gateway {
            Some(gateway) => Site { cluster: self, edge, gateway, app: at.app }.unset(at).await,
            None => certificate::remove(self, edge, at).await,
        }
    }

    async fn certificate(&self, edge: &Edge, at: Host<'_>) -> Result<Option<String>> {
        match &edge.gateway {
            Some(gateway) => Site { cluster: self, edge, gateway, app: at.app }.shown(at).await,
            None => certificate::get(self, edge, at).await,
        }
    }
}

/// The secret of the certificate of a host name at this router.
fn own_name(edge: &Edge, app: &str, host: &str) -> String {
    let name = if edge.gateway.is_some() { names::gateway_certificate } else { names::certificate };
    name(app, host, &edge.instance)
}

/// A fault, about one of the app's other host names where it is the caller's.
fn about(cname: &str, e: Error) -> Error {
    match e {
        Error::Internal(_) | Error::Unavailable(_) => e,
        e => Error::refused(format!("could not ensure CName: {cname:?}: {e}")),
    }
}

/// True for an object that somebody wants left as it is.
fn is_frozen<K: Resource>(object: &K) -> bool {
    object.annotations().get(FREEZE).is_some_and(|value| value == "true")
}

/// Makes the app's object what is wanted, unless somebody wants it left as it is; what is there then. `over` adds to what is wanted what
/// the one that is there must keep. An object of another app is never taken.
async fn put<K: Object>(writer: &Writer<'_>, api: &Api<K>, want: &K, over: impl Fn(K, &K) -> K) -> Result<K> {
    let owner = |object: &K| object.labels().get(labels::APP).cloned().unwrap_or_default();
    let change = |there: Option<&K>| match there {
        None => Ok(Some(want.clone())),
        Some(there) if owner(there) != owner(want) => {
            Err(Error::conflict(format!("{:?} is there already and belongs to {:?}", want.name_any(), owner(there))))
        }
        Some(there) if is_frozen(there) => Ok(Some(there.clone())),
        Some(there) => Ok(Some(over(want.clone(), there))),
    };
    let written = writer.change(api, &want.name_any(), change).await?;
    written.map(|(_, now)| now).ok_or_else(|| Error::internal("nothing was wanted"))
}
