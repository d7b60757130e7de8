//! Routes of a gateway: one for each name of an app.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, ResourceExt};

use super::{FIRST, certificate, is_frozen, issued, listeners::Site, own_name, put};
use crate::{
    error::{Error, Result},
    provisioner::{
        kubernetes::{
            Kubernetes,
            client::SHORT,
            objects::{
                certificate::Certified,
                http_route::{self, CRD, HttpRoute, INSTANCE, IS_CNAME},
                listeners::Secured,
                names,
                routing::{CNAMES, Routing},
            },
            write::LONG,
        },
        routes::{Edge, Gateway, Standing},
    },
};

/// Makes all routes of an app, its listeners and certificates what they should be. Where it answers then.
pub async fn ensure(cluster: &Kubernetes, routing: &Routing<'_>, gateway: &Gateway) -> Result<Vec<String>> {
    check(cluster).await?;
    let site = Site { cluster, edge: routing.edge, gateway, app: &routing.route.app };
    let issuers = issued::wanted(cluster, routing).await?;
    let secured = secured(routing, &issuers, &certificate::known(cluster, site.app).await?);
    let routes = http_route::all(routing, gateway, &secured);
    let main = routes.first().ok_or_else(|| Error::internal("an app without a name"))?;
    site.listeners().ensure(main, &secured).await?;
    issued::ensure(cluster, routing, main, &issuers).await?;
    write(site, &routes).await
}

/// The host names that have certificates.
fn secured(routing: &Routing<'_>, issuers: &issued::Issuers, certified: &Certified) -> Secured {
    let own = routing.hosts().into_iter().map(|(host, _)| host);
    let cnames = routing.route.cnames.iter().filter(|_| !routing.wants("http-only")).cloned();
    let with_secret = own.chain(cnames).map(|host| (own_name(routing.edge, &routing.route.app, &host), host));
    with_secret
        .filter(|(secret, host)| issuers.contains_key(host) || certified.contains(secret))
        .map(|(secret, host)| (host, secret))
        .collect()
}

async fn write(site: Site<'_>, routes: &[HttpRoute]) -> Result<Vec<String>> {
    let (mut wanted, mut addresses) = (BTreeSet::new(), Vec::new());
    for route in routes {
        let api = Api::namespaced(site.cluster.client.clone(), &route.namespace().unwrap_or_default());
        let now = put(&site.cluster.writer(LONG), &api, route, over).await?;
        wanted.insert(now.name_any());
        if !now.labels().contains_key(IS_CNAME) {
            addresses.extend(http_route::addresses(&now, site.edge.port));
        }
    }
    for gone in of_app(site.cluster, site.edge, site.app).await? {
        if !wanted.contains(&gone.name_any()) && !is_frozen(&gone) {
            site.cluster.drop_one(&gone, LONG).await?;
            for host in http_route::hosts(&gone) {
                certificate::forget(site.cluster, site.edge, (site.app, host), &gone.namespace().unwrap_or_default()).await?;
            }
        }
    }
    Ok(addresses)
}

async fn check(cluster: &Kubernetes) -> Result<()> {
    let definitions = Api::<CustomResourceDefinition>::all(cluster.client.clone());
    let found = cluster.writer(LONG).get(&definitions, CRD).await?;
    let absent = || Error::refused(format!("the Gateway API is not installed in the cluster (missing CRD {CRD})"));
    found.map(drop).ok_or_else(absent)
}

/// What others said of it stays, but for our own list.
fn over(mut want: HttpRoute, there: &HttpRoute) -> HttpRoute {
    let annotations = want.annotations_mut();
    for (name, value) in there.annotations().iter().filter(|(name, _)| *name != CNAMES) {
        annotations.entry(name.clone()).or_insert_with(|| value.clone());
    }
    want
}

async fn of_app(cluster: &Kubernetes, edge: &Edge, app: &str) -> Result<Vec<HttpRoute>> {
    cluster.all_of(app, &format!(",{INSTANCE}={}", edge.instance), LONG).await
}

/// The route of one of the app's host names.
pub async fn serving(site: Site<'_>, host: &str) -> Result<Option<HttpRoute>> {
    let all: Vec<HttpRoute> = site.cluster.all_of(site.app, &format!(",{INSTANCE}={}", site.edge.instance), SHORT).await?;
    Ok(all.into_iter().find(|route| http_route::hosts(route).contains(&host)))
}

/// Removes all routes of an app, its listeners and certificates.
pub async fn remove(site: Site<'_>) -> Result<()> {
    for route in of_app(site.cluster, site.edge, site.app).await? {
        site.cluster.drop_one(&route, LONG).await?;
    }
    site.listeners().remove().await?;
    issued::remove(site.cluster, site.edge, site.app).await
}

/// How an app fares.
pub async fn standing(cluster: &Kubernetes, edge: &Edge, app: &str) -> Option<Standing> {
    let known = cluster.routed.http_routes();
    known.is_whole(FIRST).await;
    let main = names::http_route(app, "", &edge.instance);
    let mut own: Vec<_> = known.of(app).into_iter().filter(|route| is_own(route, edge)).collect();
    own.sort_by_key(|route| route.name_any() != main);
    let faults = own.iter().find_map(|route| http_route::fault(route));
    let addresses = own.iter().flat_map(|route| http_route::addresses(route, edge.port)).collect();
    (!own.is_empty()).then(|| Standing { addresses, ready: faults.is_none(), detail: faults.unwrap_or_default() })
}

/// Of a name that the app has by itself.
fn is_own(route: &HttpRoute, edge: &Edge) -> bool {
    !route.labels().contains_key(IS_CNAME) && route.labels().get(INSTANCE) == Some(&edge.instance)
}
