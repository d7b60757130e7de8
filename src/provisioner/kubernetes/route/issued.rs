//! Certificates that cert-manager makes for host names at a gateway. Ingresses say so by annotations; for listeners of a gateway
//! cert-manager listens to those only where it was told to, so it is asked by its own objects.

use std::collections::BTreeMap;

use kube::{Api, ResourceExt};

use super::{about, issuer, own_name, put};
use crate::{
    error::{Error, Result},
    provisioner::{
        kubernetes::{
            Kubernetes,
            client::SHORT,
            objects::{
                certificate::{self, CRD, Issued, Issuer},
                custom::Custom,
                http_route::{self, HttpRoute, INSTANCE},
                routing::Routing,
            },
            write::LONG,
        },
        routes::{Edge, Host},
    },
};

/// Host names, each with whom its certificate is asked from.
pub type Issuers = BTreeMap<String, Issuer>;

/// Those that the app wants. What it says to a router that has an issuer for all is as good as an issuer of its own.
pub async fn wanted(cluster: &Kubernetes, routing: &Routing<'_>) -> Result<Issuers> {
    let said = Issuer::said(&routing.annotations(|option| Some(option.to_owned())));
    let mut all = Issuers::new();
    if let Some(said) = said.as_ref().filter(|_| routing.wants("tls-acme")) {
        all.extend(routing.hosts().into_iter().map(|(host, _)| (host, said.clone())));
    }
    if routing.wants("http-only") {
        return Ok(all);
    }
    for cname in &routing.route.cnames {
        let issuer = match routing.route.issuers.get(cname) {
            Some(name) => Some(issuer::find(cluster, &routing.own.namespace, name).await.map_err(|e| about(cname, e))?),
            None => said.clone().filter(|_| routing.wants("tls-acme-cname")),
        };
        all.extend(issuer.map(|issuer| (cname.clone(), issuer)));
    }
    Ok(all)
}

/// Has cert-manager make these, and none else for the app.
pub async fn ensure(cluster: &Kubernetes, routing: &Routing<'_>, main: &HttpRoute, wanted: &Issuers) -> Result<()> {
    let there = of_app(cluster, routing.edge, &routing.route.app).await?;
    if there.is_none() && !wanted.is_empty() {
        return Err(Error::refused(format!("cert-manager is not installed in the cluster (missing CRD {CRD})")));
    }
    let api = Api::<Custom<Issued>>::namespaced(cluster.client.clone(), &routing.own.namespace);
    let mut kept = Vec::new();
    for (host, issuer) in wanted {
        let name = own_name(routing.edge, &routing.route.app, host);
        let want = certificate::issued((&name, &routing.own.namespace), http_route::common_labels(main), host, issuer);
        put(&cluster.writer(LONG), &api, &want, |want, _| want).await?;
        kept.push(name);
    }
    for gone in there.into_iter().flatten().filter(|object| !kept.contains(&object.name_any())) {
        cluster.drop_one(&gone, LONG).await?;
    }
    Ok(())
}

async fn of_app(cluster: &Kubernetes, edge: &Edge, app: &str) -> Result<Option<Vec<Custom<Issued>>>> {
    cluster.all_if_there(app, &format!(",{INSTANCE}={}", edge.instance), LONG).await
}

/// Has it make none for an app any more.
pub async fn remove(cluster: &Kubernetes, edge: &Edge, app: &str) -> Result<()> {
    for gone in of_app(cluster, edge, app).await?.into_iter().flatten() {
        cluster.drop_one(&gone, LONG).await?;
    }
    Ok(())
}

/// Whether it makes the one of this host name.
pub async fn is_asked(cluster: &Kubernetes, edge: &Edge, at: Host<'_>, namespace: &str) -> Result<bool> {
    let api = Api::<Custom<Issued>>::namespaced(cluster.client.clone(), namespace);
    Ok(cluster.writer(SHORT).get(&api, &own_name(edge, at.app, at.name)).await?.is_some())
}
