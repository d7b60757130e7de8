//! The volumes that an app mounts.

use k8s_openapi::api::core::v1::PersistentVolume;
use kube::Api;

use super::{app_resource, scene::Scene};
use crate::{
    error::{Error, Result},
    provisioner::{VolumePlace, kubernetes::objects::volume},
};

/// Makes the storage and the claims that are not there. What is there is left as it is: it cannot be changed.
pub async fn ensure(scene: &Scene) -> Result<()> {
    let (site, writer) = (&scene.site, scene.site.writer());
    for place in &scene.want.place.volumes {
        if !volume::options(place)?.is_persistent() {
            continue;
        }
        check_namespaces(scene, place).await?;
        let (storage, claim) = volume::of(place, &scene.namespace)?;
        if let Some(storage) = storage {
            writer.ensure_over(&Api::<PersistentVolume>::all(site.client.clone()), &storage, |_, there| there.clone()).await?;
        }
        writer.ensure_over(&site.api(&scene.namespace), &claim, |_, there| there.clone()).await?;
    }
    Ok(())
}

/// A claim is in one namespace, and with it all apps that the volume is bound to. Those that were never rolled out are nowhere.
async fn check_namespaces(scene: &Scene, place: &VolumePlace) -> Result<()> {
    let here = &scene.namespace;
    for app in place.apps.iter().filter(|app| **app != scene.want.app) {
        if let Some(other) = app_resource::namespace(&scene.site, app).await?.filter(|other| other != here) {
            return Err(Error::refused(format!("multiple namespaces for volume not allowed: {other:?} and {here:?}")));
        }
    }
    Ok(())
}
