//! The services of a process, over all its versions.

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;

use super::scene::Scene;
use crate::{
    error::Result,
    provisioner::kubernetes::{
        objects::{Making, google, names, service},
        words,
    },
};

/// Writes those that a deploy of this version writes.
pub async fn ensure(scene: &Scene, m: &Making<'_>) -> Result<()> {
    scene.out.write(&words::ensuring_services(&m.process.name));
    let own: Vec<Making<'_>> = scene.makings().into_iter().filter(|other| other.process.name == m.process.name).collect();
    for mut service in service::of_deploy(&own, m.process.version) {
        if scene.backend_configs.is_some() && service.name_any() == names::base(&m.app.app, &m.process.name) {
            service.annotations_mut().entry(google::NAMED.into()).or_insert_with(|| google::naming(m));
        }
        scene.out.write(&words::service(&service.name_any()));
        let api = scene.site.api::<Service>(&m.spot.namespace);
        scene.site.writer().ensure_over(&api, &service, |want, there| service::over(want.clone(), there)).await?;
    }
    Ok(())
}
