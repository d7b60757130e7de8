//! Requests come to a version, or come no more, and its units go on: labels change on everything that is there, the deployment paused
//! meanwhile so that it does not take the change for a new revision.

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::Pod,
    },
};
use kube::{Resource, ResourceExt};

use super::{faults, scene::Scene, undo::replica_set};
use crate::{
    error::{Error, Result},
    provisioner::kubernetes::{
        objects::{Making, labels},
        write::Object,
    },
};

const HASH: &str = "pod-template-hash";

/// Lets requests come, or not.
pub async fn route(scene: &Scene, m: &Making<'_>) -> Result<()> {
    let (name, value) = (m.spot.name.as_str(), m.spot.routable.to_string());
    let paused = change::<Deployment>(scene, name, |now| {
        now.labels_mut().insert(labels::ROUTABLE.into(), value.clone());
        if let Some(spec) = &mut now.spec {
            spec.paused = Some(true);
            let pods = spec.template.metadata.get_or_insert_default();
            pods.labels.get_or_insert_default().insert(labels::ROUTABLE.into(), value.clone());
        }
    });
    let paused = paused.await?.ok_or_else(|| Error::refused(format!("no deployment found for version {}", m.process.version)))?;
    if let Some(set) = replica_set(&scene.site, &paused).await? {
        mark_units(scene, &paused, &set, &value).await?;
    }
    change::<Deployment>(scene, name, |now| {
        if let Some(spec) = &mut now.spec {
            spec.paused = None;
        }
    })
    .await
    .map(drop)
}

async fn mark_units(scene: &Scene, deployment: &Deployment, set: &ReplicaSet, value: &str) -> Result<()> {
    change::<ReplicaSet>(scene, &set.name_any(), |now| {
        now.labels_mut().insert(labels::ROUTABLE.into(), value.to_owned());
        if let Some(template) = now.spec.as_mut().and_then(|spec| spec.template.as_mut()) {
            let pods = template.metadata.get_or_insert_default();
            pods.labels.get_or_insert_default().insert(labels::ROUTABLE.into(), value.to_owned());
        }
    })
    .await?;
    for pod in faults::pods(&scene.site, &scene.want.app, deployment) {
        if pod.labels().get(HASH) == set.labels().get(HASH) && pod.metadata.deletion_timestamp.is_none() {
            let mark = |now: &mut Pod| drop(now.labels_mut().insert(labels::ROUTABLE.into(), value.to_owned()));
            change::<Pod>(scene, &pod.name_any(), mark).await?;
        }
    }
    Ok(())
}

/// Changes an object that is there; `None` when it is gone.
async fn change<K>(scene: &Scene, name: &str, change: impl Fn(&mut K)) -> Result<Option<K>>
where
    K: Object + Resource<Scope = NamespaceResourceScope>,
{
    let changed = |there: Option<&K>| {
        Ok(there.map(|there| {
            let mut now = there.clone();
            change(&mut now);
            now
        }))
    };
    let written = scene.site.writer().change(&scene.site.api::<K>(&scene.namespace), name, changed).await?;
    Ok(written.map(|(_, now)| now))
}
