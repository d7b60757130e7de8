//! How Google's load balancers check a process, in clusters that have them.

use kube::ResourceExt;

use super::{scene::Scene, site::Site};
use crate::{
    error::Result,
    provisioner::kubernetes::{
        objects::{
            Making,
            custom::Custom,
            google::{self, Google},
        },
        words,
    },
};

/// Writes it and says so, where the cluster knows the kind and it is not so already.
pub async fn ensure(scene: &Scene, m: &Making<'_>) -> Result<()> {
    let Some(known) = &scene.backend_configs else { return Ok(()) };
    let want = google::backend_config(m);
    let there = known.iter().find(|there| there.name_any() == want.name_any());
    if there.is_some_and(|there| google::check(there) == google::check(&want)) {
        return Ok(());
    }
    scene.out.write(&words::google_check(there.map(google::check), google::check(&want)));
    scene.site.writer().ensure_over(&scene.site.api(&m.spot.namespace), &want, over).await.map(drop)
}

/// What somebody else wants of the load balancer stays.
fn over(want: &Custom<Google>, there: &Custom<Google>) -> Custom<Google> {
    let mut now = there.clone();
    now.metadata.labels.clone_from(&want.metadata.labels);
    if let Some(spec) = now.spec.as_object_mut() {
        spec.insert("healthCheck".into(), google::check(want).clone());
    } else {
        now.spec.clone_from(&want.spec);
    }
    now
}

/// Removes those of an app that goes.
pub async fn remove(site: &Site, namespace: &str, app: &str) -> Result<()> {
    for object in site.list_if_known::<Custom<Google>>(namespace, app).await?.unwrap_or_default() {
        site.writer().remove(&site.api::<Custom<Google>>(namespace), &object.name_any()).await?;
    }
    Ok(())
}
