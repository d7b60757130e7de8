//! What units need before they can be made.

use k8s_openapi::api::core::v1::Secret;

use super::{app_resource, scene::Scene, volumes};
use crate::{
    error::Result,
    provisioner::kubernetes::{
        isolation::Isolated,
        objects::{Making, account, pull_secret},
    },
};

/// Namespace, the app's resource, its account, the login for its images, its volumes.
pub async fn prepare(scene: &Scene, first: &Making<'_>) -> Result<()> {
    let (writer, namespace) = (scene.site.writer(), scene.namespace.as_str());
    if scene.deployments.is_empty() {
        app_resource::ensure_namespace(&scene.site, writer, namespace).await?;
    }
    if scene.is_new {
        app_resource::announce(&scene.site, writer, &scene.want, namespace).await?;
    }
    writer.ensure_over(&scene.site.api(namespace), &account::of_app(&scene.want, namespace), account::over).await?;
    if pull_secret::references(first, &first.process.pod.image).is_some() {
        writer.ensure(&scene.site.api::<Secret>(namespace), &pull_secret::secret(first)?).await?;
    }
    if scene.pool.isolation {
        let (client, server, pool) = (&scene.site.client, &*scene.site.server, scene.want.place.pool.name.as_str());
        Isolated { client, writer, server, namespace, pool }.ensure(&scene.want.place.team).await?;
    }
    volumes::ensure(scene).await
}
