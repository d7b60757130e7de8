//! Removes what is not wanted any more. What cannot be removed now goes with the next change: the app serves, which counts more.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Secret, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::Resource;

use super::{plan::Leaving, scene::Scene, site::Site};
use crate::{
    output::Output,
    provisioner::kubernetes::{objects::names, words, write::Object},
};

/// Removes it and says so.
pub async fn clean(scene: &Scene) {
    scene.out.write(&words::cleaning());
    take_away(&scene.site, &scene.namespace, &scene.leaving(), &scene.out).await;
}

/// Removes these; what failed is in the server's log.
pub async fn take_away(site: &Site, namespace: &str, leaving: &Leaving, out: &Output) {
    for name in &leaving.deployments {
        remove::<Deployment>(site, namespace, "deployment", name, out).await;
        remove::<Secret>(site, namespace, "secret", &names::secret(name), out).await;
    }
    for name in &leaving.services {
        remove::<Service>(site, namespace, "service", name, out).await;
    }
    for name in &leaving.budgets {
        remove::<PodDisruptionBudget>(site, namespace, "PodDisruptionBudget", name, out).await;
    }
}

async fn remove<K>(site: &Site, namespace: &str, kind: &str, name: &str, out: &Output)
where
    K: Object + Resource<Scope = k8s_openapi::NamespaceResourceScope>,
{
    out.write(&words::cleaned(kind, name));
    if let Err(e) = site.writer().remove(&site.api::<K>(namespace), name).await {
        tracing::warn!(cluster = site.name, namespace, kind, name, error = %e, "what is not wanted any more could not be removed");
    }
}
