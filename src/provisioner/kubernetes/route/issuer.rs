//! Finds who makes certificates: issuers of cert-manager, or of programs that work with it.

use kube::{
    Api,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
    discovery,
};

use crate::{
    error::{Error, Result},
    provisioner::kubernetes::{Kubernetes, objects::certificate::Issuer, write::LONG},
};

/// An issuer: `name`, of the namespace or else of the cluster, or `name.Kind.group` of another program.
pub async fn find(cluster: &Kubernetes, namespace: &str, name: &str) -> Result<Issuer> {
    if name.contains('.') {
        return other(cluster, namespace, name).await;
    }
    if is_there(cluster, Some(namespace), &cert_manager("Issuer"), name).await? {
        return Ok(Issuer::Own(name.into()));
    }
    if is_there(cluster, None, &cert_manager("ClusterIssuer"), name).await? {
        return Ok(Issuer::Cluster(name.into()));
    }
    Err(Error::refused(format!("issuer {name} not found")))
}

fn cert_manager(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("cert-manager.io", "v1", kind))
}

/// False also in a cluster that does not know the kind.
async fn is_there(cluster: &Kubernetes, namespace: Option<&str>, kind: &ApiResource, name: &str) -> Result<bool> {
    let client = cluster.client.clone();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, kind),
        None => Api::all_with(client, kind),
    };
    Ok(cluster.writer(LONG).asked(|| api.get_metadata_opt(name)).await?.is_some())
}

async fn other(cluster: &Kubernetes, namespace: &str, whole: &str) -> Result<Issuer> {
    let mut parts = whole.splitn(3, '.');
    let (Some(name), Some(kind), Some(group)) = (parts.next(), parts.next(), parts.next()) else {
        let form = "requires <resource name>.<resource kind>.<resource group>";
        return Err(Error::refused(format!("invalid external issuer: {whole} ({form})")));
    };
    let missing = |why: &str| Error::refused(format!("external issuer {whole} not found, err: {why}"));
    let known = discovery::group(&cluster.client, group).await.map_err(|e| missing(&e.to_string()))?;
    let (resource, capabilities) = known.recommended_kind(kind).ok_or_else(|| missing(&format!("no kind {kind} in {group}")))?;
    let scope = (capabilities.scope == discovery::Scope::Namespaced).then_some(namespace);
    if !is_there(cluster, scope, &resource, name).await? {
        return Err(missing(&format!("no {kind} {name}")));
    }
    Ok(Issuer::Other { name: name.into(), kind: kind.into(), group: group.into() })
}
