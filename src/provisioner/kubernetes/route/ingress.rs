//! Ingresses: one for the names that an app has by itself, and one for each of its other host names.

use std::collections::BTreeSet;

use k8s_openapi::api::networking::v1::Ingress;
use kube::{Api, ResourceExt};

use super::{FIRST, about, certificate, is_frozen, issuer, put};
use crate::{
    error::Result,
    provisioner::{
        kubernetes::{
            Kubernetes,
            objects::{
                certificate::Certified,
                ingress::{self, IS_CNAME},
                names,
                routing::Routing,
            },
            write::LONG,
        },
        routes::{Edge, Standing},
    },
};

/// Makes all ingresses of an app what they should be. Where it answers then.
pub async fn ensure(cluster: &Kubernetes, routing: &Routing<'_>) -> Result<Vec<String>> {
    let certified = certificate::known(cluster, &routing.route.app).await?;
    let api = Api::<Ingress>::namespaced(cluster.client.clone(), &routing.own.namespace);
    let main = put(&cluster.writer(LONG), &api, &ingress::of(routing, &certified), over).await?;
    if !is_frozen(&main) {
        ensure_cnames(cluster, &api, routing, (&main, &certified)).await?;
    }
    Ok(ingress::addresses(&main, routing.edge.port))
}

async fn ensure_cnames(
    cluster: &Kubernetes,
    api: &Api<Ingress>,
    routing: &Routing<'_>,
    (main, certified): (&Ingress, &Certified),
) -> Result<()> {
    let (writer, identity) = (cluster.writer(LONG), main.uid().unwrap_or_default());
    let mut wanted = BTreeSet::new();
    for cname in &routing.route.cnames {
        let made = async {
            let issuer = match routing.route.issuers.get(cname) {
                Some(name) => Some(issuer::find(cluster, &routing.own.namespace, name).await?),
                None => None,
            };
            put(&writer, api, &ingress::of_cname(routing, cname, &identity, issuer.as_ref(), certified), over).await
        };
        wanted.insert(made.await.map_err(|e| about(cname, e))?.name_any());
    }
    for gone in of_cnames(cluster, &routing.route.app, &main.name_any()).await? {
        if !wanted.contains(&gone.name_any()) && !is_frozen(&gone) {
            cluster.drop_one(&gone, LONG).await?;
            for host in ingress::hosts(&gone) {
                certificate::forget(cluster, routing.edge, (&routing.route.app, host), &routing.own.namespace).await?;
            }
        }
    }
    Ok(())
}

/// What the one that is there keeps: where all else goes, and the class that the cluster gave it.
fn over(mut want: Ingress, there: &Ingress) -> Ingress {
    if let (Some(spec), Some(old)) = (&mut want.spec, &there.spec) {
        spec.default_backend.clone_from(&old.default_backend);
        let said = want.metadata.annotations.iter().flatten().any(|(name, _)| name == "kubernetes.io/ingress.class");
        if spec.ingress_class_name.is_none() && !said {
            spec.ingress_class_name.clone_from(&old.ingress_class_name);
        }
    }
    want
}

/// Those of the other host names, which go with the main one.
async fn of_cnames(cluster: &Kubernetes, app: &str, main: &str) -> Result<Vec<Ingress>> {
    let all: Vec<Ingress> = cluster.all_of(app, &format!(",{IS_CNAME}=true"), LONG).await?;
    Ok(all.into_iter().filter(|ingress| ingress.owner_references().iter().any(|owner| owner.name == main)).collect())
}

/// Removes all ingresses of an app.
pub async fn remove(cluster: &Kubernetes, edge: &Edge, app: &str) -> Result<()> {
    let main = names::ingress(app, &edge.instance);
    for cname in of_cnames(cluster, app, &main).await? {
        cluster.drop_one(&cname, LONG).await?;
    }
    let all: Vec<Ingress> = cluster.all_of(app, "", LONG).await?;
    for ingress in all.iter().filter(|ingress| ingress.name_any() == main) {
        cluster.drop_one(ingress, LONG).await?;
    }
    Ok(())
}

/// How an app fares.
pub async fn standing(cluster: &Kubernetes, edge: &Edge, app: &str) -> Option<Standing> {
    let known = cluster.routed.ingresses();
    known.is_whole(FIRST).await;
    let main = names::ingress(app, &edge.instance);
    let ingress = known.of(app).into_iter().find(|ingress| ingress.name_any() == main)?;
    let points = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref()).and_then(|balancer| balancer.ingress.as_deref());
    let ready = points.unwrap_or_default().iter().any(|point| point.ip.is_some() || point.hostname.is_some());
    let detail = if ready { String::new() } else { "no ingress controller has told an address".into() };
    Some(Standing { addresses: ingress::addresses(&ingress, edge.port), ready, detail })
}
