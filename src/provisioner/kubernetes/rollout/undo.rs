//! What was there before a step, and how it comes back.

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Secret, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{Resource, ResourceExt, api::ListParams};

use super::{
    Work,
    deploy::REVISION,
    monitor,
    plan::{self, Change, Leaving},
    route,
    scene::Scene,
    site::Site,
};
use crate::{
    error::Result,
    output::Output,
    provisioner::kubernetes::{
        objects::{Making, labels, names},
        words,
        write::Object,
    },
};

/// One process of one version before it was changed.
pub struct Undo {
    name: String,
    process: String,
    version: u32,
    change: Change,
    deployment: Option<Deployment>,
    secret: Option<Secret>,
    services: Vec<Service>,
    /// The deployment is another one now.
    pub written: bool,
}

impl Undo {
    /// Takes note of what is there before this change.
    pub async fn of(scene: &Scene, m: &Making<'_>, change: Change) -> Result<Self> {
        let deployment = scene.old(m.spot).cloned();
        let secret = match &deployment {
            Some(_) if change == Change::Deploy => {
                scene.site.writer().get(&scene.site.api(&scene.namespace), &names::secret(&m.spot.name)).await?
            }
            _ => None,
        };
        let of_process = |service: &&Service| service.labels().get(labels::PROCESS) == Some(&m.process.name);
        let services = if change == Change::Deploy { scene.services.as_slice() } else { &[] };
        let services = services.iter().filter(of_process).filter(|service| !plan::is_of_others(service)).cloned().collect();
        let (name, process) = (m.spot.name.clone(), m.process.name.clone());
        Ok(Self { name, process, version: m.process.version, change, deployment, secret, services, written: false })
    }
}

/// Brings back what was there before these steps, the last first. What fails is told, and the rest is brought back all the same. Where
/// another server goes on with the app, nothing is to be undone.
pub async fn all(work: &mut Work<'_>, done: Vec<Undo>) {
    let (scene, out) = (work.scene, work.scene.out.clone());
    if scene.site.hold.check().await.is_err() {
        return;
    }
    for (i, undo) in done.iter().rev().enumerate() {
        if let Err(e) = one(work, undo, i == 0).await {
            out.write(&words::undo_failed(&e.to_string()));
            tracing::warn!(app = scene.want.app, deployment = undo.name, error = %e, "a rollout that failed could not be undone");
        }
    }
}

async fn one(work: &mut Work<'_>, undo: &Undo, failed: bool) -> Result<()> {
    let (scene, out) = (work.scene, work.scene.out.clone());
    let Some(old) = &undo.deployment else {
        if undo.written {
            out.write(&words::undoing(words::Undo::Deletes));
        }
        return take_away(scene, undo).await;
    };
    if undo.change == Change::Route {
        // Whole objects would make the units anew.
        return Box::pin(route::turn(scene, (&undo.name, undo.version), plan::said_routable(old))).await;
    }
    if let Some(secret) = &undo.secret {
        put_back(&scene.site, &scene.namespace, secret).await?;
    }
    for service in &undo.services {
        put_back(&scene.site, &scene.namespace, service).await?;
    }
    if !undo.written {
        return Ok(());
    }
    if failed {
        announce(scene, undo, old, &out).await?;
        return put_back(&scene.site, &scene.namespace, old).await.map(drop);
    }
    out.write(&words::updating(&undo.process, plan::version(old).unwrap_or(undo.version)));
    let now = put_back(&scene.site, &scene.namespace, old).await?;
    monitor::again(work, &now, &undo.process, plan::version(old).unwrap_or(undo.version)).await
}

/// What the step made is removed; not what another app has under the same name.
async fn take_away(scene: &Scene, undo: &Undo) -> Result<()> {
    let (writer, namespace, app) = (scene.site.writer(), scene.namespace.as_str(), scene.want.app.as_str());
    writer.remove_of(app, &scene.site.api::<Deployment>(namespace), &undo.name).await?;
    writer.remove_of(app, &scene.site.api::<Secret>(namespace), &names::secret(&undo.name)).await?;
    let before: Vec<String> = undo.services.iter().map(ResourceExt::name_any).collect();
    let now = scene.site.list::<Service>(namespace, &scene.want.app).await?;
    let new = now.iter().filter(|service| service.labels().get(labels::PROCESS) == Some(&undo.process) && !plan::is_of_others(service));
    let services = new.map(ResourceExt::name_any).filter(|name| !before.contains(name)).collect();
    let budget = names::base(&scene.want.app, &undo.process);
    let budgets = if scene.budgets.iter().any(|one| one.name_any() == budget) { Vec::new() } else { vec![budget] };
    for name in &budgets {
        writer.remove_of(app, &scene.site.api::<PodDisruptionBudget>(namespace), name).await?;
    }
    let leaving = Leaving { services, ..Leaving::default() };
    super::clean::take_away(&scene.site, namespace, &leaving, &Output::default()).await;
    for service in &undo.services {
        put_back(&scene.site, namespace, service).await?;
    }
    Ok(())
}

/// Says how the old deployment comes back: by its template, when the new one had become a revision.
async fn announce(scene: &Scene, undo: &Undo, old: &Deployment, out: &Output) -> Result<()> {
    let revision = |deployment: &Deployment| deployment.annotations().get(REVISION).cloned().unwrap_or_default();
    let api = scene.site.api::<Deployment>(&scene.namespace);
    let now = scene.site.writer().get(&api, &undo.name).await?.map(|now| revision(&now)).unwrap_or_default();
    if now.is_empty() || now == revision(old) {
        out.write(&words::undoing(words::Undo::UpdatesBack));
        return Ok(());
    }
    out.write(&words::undoing(words::Undo::RollsBack));
    if let Some(set) = replica_set(&scene.site, old).await? {
        out.write(&words::restoring(&undo.name, &set.name_any()));
    }
    Ok(())
}

/// The replica set of a deployment as it is here.
pub async fn replica_set(site: &Site, deployment: &Deployment) -> Result<Option<ReplicaSet>> {
    let selector = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
    let selector: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let api = site.api::<ReplicaSet>(&deployment.namespace().unwrap_or_default());
    let of_it = ListParams::default().labels(&selector.join(","));
    let sets = site.writer().asked(|| api.list(&of_it)).await?.items;
    let revision = deployment.annotations().get(REVISION);
    let uid = deployment.meta().uid.as_deref();
    let owned = |set: &ReplicaSet| set.owner_references().iter().any(|owner| Some(owner.uid.as_str()) == uid);
    Ok(sets.into_iter().find(|set| owned(set) && revision.is_some() && set.annotations().get(REVISION) == revision))
}

/// Writes an object as it was.
async fn put_back<K>(site: &Site, namespace: &str, old: &K) -> Result<K>
where
    K: Object + Resource<Scope = k8s_openapi::NamespaceResourceScope>,
{
    let mut old = old.clone();
    let meta = old.meta_mut();
    (meta.uid, meta.resource_version, meta.generation, meta.managed_fields) = (None, None, None, None);
    Ok(site.writer().ensure(&site.api::<K>(namespace), &old).await?.1)
}
