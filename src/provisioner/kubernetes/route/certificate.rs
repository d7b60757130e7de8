//! Certificates that are set by hand: secrets that ingresses and listeners name.

use k8s_openapi::{
    ByteString,
    api::{core::v1::Secret, networking::v1::Ingress},
};
use kube::{Api, ResourceExt, api::ListParams};

use super::{own_name, put};
use crate::{
    error::{Error, Result},
    provisioner::{
        kubernetes::{
            Kubernetes,
            client::SHORT,
            objects::{
                certificate::{self, Certified, DOMAIN, Issued},
                custom::Custom,
                ingress, labels, names,
            },
            write::LONG,
        },
        routes::{Edge, Host},
    },
    secret::Secret as Key,
};

/// The certificates of an app that were set by hand; what is in them is not read.
pub async fn known(cluster: &Kubernetes, app: &str) -> Result<Certified> {
    Ok(all(cluster, app).await?.into_iter().map(|(_, name)| name).collect())
}

/// By namespace and name.
async fn all(cluster: &Kubernetes, app: &str) -> Result<Vec<(String, String)>> {
    let api = Api::<Secret>::all(cluster.client.clone());
    let by_hand = ListParams::default().labels(&format!("{}={app},{DOMAIN}", labels::APP));
    let found = cluster.writer(LONG).asked(|| api.list_metadata(&by_hand)).await?;
    Ok(found.items.iter().map(|secret| (secret.namespace().unwrap_or_default(), secret.name_any())).collect())
}

/// The ingress that serves a host name: its own, else the app's main one.
async fn serving(cluster: &Kubernetes, edge: &Edge, at: Host<'_>) -> Result<Option<Ingress>> {
    let (own, main) = (names::cname_ingress(at.name, &edge.instance), names::ingress(at.app, &edge.instance));
    let mut all: Vec<Ingress> = cluster.all_of(at.app, "", SHORT).await?;
    all.retain(|ingress| ingress.name_any() == own || ingress.name_any() == main);
    all.sort_by_key(|ingress| ingress.name_any() != own);
    Ok(all.into_iter().next())
}

/// The same, when certificates may be set for it by hand.
async fn open(cluster: &Kubernetes, edge: &Edge, at: Host<'_>, what: &str) -> Result<Ingress> {
    let none = || Error::refused(format!("cname {} is not reached by this router yet: the app waits for a deploy", at.name));
    let ingress = serving(cluster, edge, at).await?.ok_or_else(none)?;
    let hosts = ingress::hosts(&ingress);
    let name = ingress.name_any();
    if !hosts.contains(&at.name) {
        return Err(Error::refused(format!("cname {} is not found in ingress {name}, found cnames: {}", at.name, hosts.join(", "))));
    }
    match ingress::certifier(&ingress) {
        Some(who) => Err(Error::refused(format!("cannot {what} ingress {name}, it is managed by {who}"))),
        None => Ok(ingress),
    }
}

/// The ingress that a certificate can be set for by hand.
pub async fn check(cluster: &Kubernetes, edge: &Edge, at: Host<'_>) -> Result<Ingress> {
    open(cluster, edge, at, "add certificate to").await
}

/// Writes the certificate, then has the ingress name it.
pub async fn set(cluster: &Kubernetes, edge: &Edge, at: Host<'_>, pair: (&str, &Key)) -> Result<()> {
    let ingress = check(cluster, edge, at).await?;
    let namespace = ingress.namespace().unwrap_or_default();
    let secret = keep(cluster, edge, at, &namespace, pair).await?;
    name_it(cluster, &ingress, at, Some(secret)).await
}

/// Writes the certificate; the name of its secret.
pub async fn keep(cluster: &Kubernetes, edge: &Edge, at: Host<'_>, namespace: &str, pair: (&str, &Key)) -> Result<String> {
    let name = own_name(edge, at.app, at.name);
    let secrets = Api::<Secret>::namespaced(cluster.client.clone(), namespace);
    let writer = cluster.writer(SHORT);
    // One that was issued before makes room; cert-manager goes on with it also where no issuer is named any more.
    if writer.get(&secrets, &name).await?.is_some_and(|there| certificate::is_issued(&there, &name)) {
        let asked = Api::<Custom<Issued>>::namespaced(cluster.client.clone(), namespace);
        writer.remove(&asked, &name).await?;
        writer.remove(&secrets, &name).await?;
    }
    put(&writer, &secrets, &certificate::by_hand(at, (&name, namespace), pair), |want, _| want).await?;
    Ok(name)
}

/// Has the ingress name it no more, then removes the certificate.
pub async fn remove(cluster: &Kubernetes, edge: &Edge, at: Host<'_>) -> Result<bool> {
    let ingress = open(cluster, edge, at, "remove certificate from").await?;
    name_it(cluster, &ingress, at, None).await?;
    let secrets = Api::<Secret>::namespaced(cluster.client.clone(), &ingress.namespace().unwrap_or_default());
    cluster.writer(SHORT).remove(&secrets, &names::certificate(at.app, at.name, &edge.instance)).await
}

async fn name_it(cluster: &Kubernetes, ingress: &Ingress, at: Host<'_>, secret: Option<String>) -> Result<()> {
    let api = Api::<Ingress>::namespaced(cluster.client.clone(), &ingress.namespace().unwrap_or_default());
    let change = |there: Option<&Ingress>| Ok(there.map(|there| ingress::served_with(there.clone(), at.name, secret.as_deref())));
    cluster.writer(SHORT).change(&api, &ingress.name_any(), change).await.map(drop)
}

/// The certificate that a host name is served with, whoever made it.
pub async fn get(cluster: &Kubernetes, edge: &Edge, at: Host<'_>) -> Result<Option<String>> {
    let Some(ingress) = serving(cluster, edge, at).await? else { return Ok(None) };
    shown(cluster, edge, at, &ingress.namespace().unwrap_or_default()).await
}

/// The same, when it is known where its secret is.
pub async fn shown(cluster: &Kubernetes, edge: &Edge, at: Host<'_>, namespace: &str) -> Result<Option<String>> {
    let secrets = Api::<Secret>::namespaced(cluster.client.clone(), namespace);
    let found = cluster.writer(SHORT).get(&secrets, &own_name(edge, at.app, at.name)).await?;
    let pem = found.and_then(|secret| secret.data?.remove("tls.crt"));
    Ok(pem.map(|ByteString(bytes)| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Removes the certificate of a host name, if it was set by hand; false when none was.
pub async fn forget(cluster: &Kubernetes, edge: &Edge, (app, host): (&str, &str), namespace: &str) -> Result<bool> {
    let name = own_name(edge, app, host);
    if !known(cluster, app).await?.contains(&name) {
        return Ok(false);
    }
    let secrets = Api::<Secret>::namespaced(cluster.client.clone(), namespace);
    cluster.writer(LONG).remove(&secrets, &name).await
}

/// Removes all that were set by hand for an app at this router.
pub async fn remove_all(cluster: &Kubernetes, edge: &Edge, app: &str) -> Result<()> {
    let begin = if edge.gateway.is_some() { "kube-router-" } else { "kr-" };
    let ours = |name: &str| name.starts_with(begin) && (edge.instance.is_empty() || name.ends_with(&format!("-{}", edge.instance)));
    for (namespace, name) in all(cluster, app).await?.into_iter().filter(|(_, name)| ours(name)) {
        let secrets = Api::<Secret>::namespaced(cluster.client.clone(), &namespace);
        cluster.writer(LONG).remove(&secrets, &name).await?;
    }
    Ok(())
}
