//! Routes of a gateway: one for each name of an app.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, ResourceExt};

use super::{FIRST, is_frozen, put};
use crate::{
    error::{Error, Result},
    provisioner::{
        kubernetes::{
            Kubernetes,
            objects::{
                http_route::{self, CRD, HttpRoute, INSTANCE, IS_CNAME},
                names,
                routing::{CNAMES, Routing},
            },
            write::LONG,
        },
        routes::{Edge, Gateway, Standing},
    },
};

/// Makes all routes of an app what they should be. Where it answers then.
pub async fn ensure(cluster: &Kubernetes, routing: &Routing<'_>, gateway: &Gateway) -> Result<Vec<String>> {
    check(cluster, routing).await?;
    let api = Api::<HttpRoute>::namespaced(cluster.client.clone(), &routing.own.namespace);
    let (mut wanted, mut addresses) = (BTreeSet::new(), Vec::new());
    for route in http_route::all(routing, gateway) {
        let now = put(&cluster.writer(LONG), &api, &route, over).await?;
        wanted.insert(now.name_any());
        if !now.labels().contains_key(IS_CNAME) {
            addresses.extend(http_route::addresses(&now, routing.edge.port));
        }
    }
    for gone in of_app(cluster, routing.edge, &routing.route.app).await? {
        if !wanted.contains(&gone.name_any()) && !is_frozen(&gone) {
            remove_one(cluster, &gone).await?;
        }
    }
    Ok(addresses)
}

async fn check(cluster: &Kubernetes, routing: &Routing<'_>) -> Result<()> {
    if let Some((cname, _)) = routing.route.issuers.iter().find(|(cname, _)| routing.route.cnames.contains(cname)) {
        let text = "routers that write routes of a gateway have no certificate issuers, the gateway has the certificates";
        return Err(Error::refused(format!("could not ensure CName: {cname:?}: {text}")));
    }
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

async fn remove_one(cluster: &Kubernetes, route: &HttpRoute) -> Result<()> {
    let api = Api::<HttpRoute>::namespaced(cluster.client.clone(), &route.namespace().unwrap_or_default());
    cluster.writer(LONG).remove(&api, &route.name_any()).await.map(drop)
}

/// Removes all routes of an app.
pub async fn remove(cluster: &Kubernetes, edge: &Edge, app: &str) -> Result<()> {
    for route in of_app(cluster, edge, app).await? {
        remove_one(cluster, &route).await?;
    }
    Ok(())
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
