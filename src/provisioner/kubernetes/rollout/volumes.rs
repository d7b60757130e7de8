//! The volumes that an app mounts.

use k8s_openapi::api::core::v1::PersistentVolume;
use kube::Api;

use super::scene::Scene;
use crate::{error::Result, provisioner::kubernetes::objects::volume};

/// Makes the storage and the claims that are not there. What is there is left as it is: it cannot be changed.
pub async fn ensure(scene: &Scene) -> Result<()> {
    let (site, writer) = (&scene.site, scene.site.writer());
    for place in &scene.want.place.volumes {
        if !volume::options(place)?.is_persistent() {
            continue;
        }
        let (storage, claim) = volume::of(place, &scene.namespace)?;
        if let Some(storage) = storage {
            writer.ensure_over(&Api::<PersistentVolume>::all(site.client.clone()), &storage, |_, there| there.clone()).await?;
        }
        writer.ensure_over(&site.api(&scene.namespace), &claim, |_, there| there.clone()).await?;
    }
    Ok(())
}
