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

use super::{
    faults,
    plan::Change,
    scene::Scene,
    undo::{Undo, replica_set},
};
use crate::{
    error::{Error, Result},
    provisioner::kubernetes::{
        objects::{
            Making,
            labels::{self, Labels},
        },
        write::Object,
    },
};

const HASH: &str = "pod-template-hash";

/// Lets requests come, or not.
pub async fn route(scene: &Scene, m: &Making<'_>, done: &mut Vec<Undo>) -> Result<()> {
    done.push(Undo::of(scene, m, Change::Route).await?);
    Box::pin(turn(scene, (&m.spot.name, m.process.version), Some(&m.spot.routable.to_string()))).await
}

/// Labels a deployment, by name and version, and its units; no value: without the label. What is so already is not written again.
pub async fn turn(scene: &Scene, (name, version): (&str, u32), value: Option<&str>) -> Result<()> {
    let paused = change::<Deployment>(scene, name, |now| {
        mark(now.labels_mut(), value);
        if let Some(spec) = &mut now.spec {
            spec.paused = Some(true);
            mark(spec.template.metadata.get_or_insert_default().labels.get_or_insert_default(), value);
        }
    });
    let paused = paused.await?.ok_or_else(|| Error::refused(format!("no deployment found for version {version}")))?;
    if let Some(set) = replica_set(&scene.site, &paused).await? {
        mark_units(scene, &paused, &set, value).await?;
    }
    change::<Deployment>(scene, name, |now| {
        if let Some(spec) = &mut now.spec {
            spec.paused = None;
        }
    })
    .await
    .map(drop)
}

async fn mark_units(scene: &Scene, deployment: &Deployment, set: &ReplicaSet, value: Option<&str>) -> Result<()> {
    change::<ReplicaSet>(scene, &set.name_any(), |now| {
        mark(now.labels_mut(), value);
        if let Some(template) = now.spec.as_mut().and_then(|spec| spec.template.as_mut()) {
            mark(template.metadata.get_or_insert_default().labels.get_or_insert_default(), value);
        }
    })
    .await?;
    for pod in faults::pods(&scene.site, &scene.want.app, deployment) {
        if pod.labels().get(HASH) == set.labels().get(HASH) && pod.metadata.deletion_timestamp.is_none() {
            change::<Pod>(scene, &pod.name_any(), |now| mark(now.labels_mut(), value)).await?;
        }
    }
    Ok(())
}

fn mark(all: &mut Labels, value: Option<&str>) {
    match value {
        Some(value) => all.insert(labels::ROUTABLE.into(), value.into()),
        None => all.remove(labels::ROUTABLE),
    };
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
