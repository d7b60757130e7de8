//! One process of one version: its secret, its deployment, its units, its services.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Secret};
use kube::{Resource, ResourceExt};

use super::{Work, google, monitor, plan::Change, services, undo::Undo};
use crate::{
    error::Result,
    provisioner::kubernetes::{
        objects::{self, Making, Owner, names},
        words::{self, Counts},
        write::Written,
    },
};

/// Tells the revision of a deployment; its controller keeps it.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// Rolls it out.
pub async fn deploy(work: &mut Work<'_>, m: &Making<'_>, done: &mut Vec<Undo>) -> Result<()> {
    let out = work.scene.out.clone();
    let (process, version) = (m.process.name.as_str(), m.process.version);
    out.write(&words::updating(process, version));
    // What cannot be made is refused before anything is written.
    let want = objects::deployment::of(m)?;
    let undo = Undo::of(work.scene, m, Change::Deploy).await?;
    done.push(undo);
    let owner = work.scene.old(m.spot);
    write_secret(work, m, owner).await?;
    let (written, now) = write_deployment(work, &want).await?;
    // It may have been written although the answer was lost.
    let changed = written != Written::Unchanged || owner.is_none_or(|old| old.metadata.generation != now.metadata.generation);
    if let Some(undo) = done.last_mut() {
        undo.written = changed;
    }
    if owner.is_none() {
        own_secret(work, m, &now).await?;
    }
    if !changed && Counts::read(&now).is_some_and(Counts::is_done) {
        out.write(&words::unchanged(process, version));
    } else {
        monitor::until_ready(work, m, &now).await?;
    }
    google::ensure(work.scene, m).await?;
    services::ensure(work.scene, m).await?;
    if let Some(budget) = objects::budget::of(m) {
        work.scene.site.writer().ensure(&work.scene.site.api(&m.spot.namespace), &budget).await?;
    }
    Ok(())
}

async fn write_secret(work: &Work<'_>, m: &Making<'_>, owner: Option<&Deployment>) -> Result<()> {
    let name = names::secret(&m.spot.name);
    match put_secret(work, m, owner).await {
        Ok(written) => {
            work.scene.out.write(&words::secret(said(written), &name, &m.process.name, m.process.version));
            Ok(())
        }
        Err(e) => {
            work.scene.out.write(&words::secret_failed(&name, &e.to_string()));
            Err(e)
        }
    }
}

async fn put_secret(work: &Work<'_>, m: &Making<'_>, owner: Option<&Deployment>) -> Result<Written> {
    let (name, uid) = (m.spot.name.as_str(), owner.and_then(|owner| owner.meta().uid.as_deref()).unwrap_or_default());
    let owner = owner.map(|_| Owner { api: "apps/v1", kind: "Deployment", name, uid });
    let want = objects::secret::of_deployment(m, owner);
    Ok(work.scene.site.writer().ensure(&work.scene.site.api::<Secret>(&m.spot.namespace), &want).await?.0)
}

/// A new secret goes with its new deployment from now on.
async fn own_secret(work: &Work<'_>, m: &Making<'_>, now: &Deployment) -> Result<()> {
    write_secret(work, m, Some(now)).await?;
    work.scene.out.write(&words::secret_owned(&names::secret(&m.spot.name)));
    Ok(())
}

fn said(written: Written) -> words::Secret {
    match written {
        Written::Created => words::Secret::Created,
        Written::Updated => words::Secret::Updated,
        Written::Unchanged => words::Secret::Unchanged,
    }
}

async fn write_deployment(work: &Work<'_>, want: &Deployment) -> Result<(Written, Deployment)> {
    let api = work.scene.site.api::<Deployment>(&want.namespace().unwrap_or_default());
    work.scene.site.writer().ensure_over(&api, want, over).await
}

/// With what the one that is there cannot change, and what its controller keeps in it.
fn over(want: &Deployment, there: &Deployment) -> Deployment {
    let mut want = want.clone();
    if let (Some(spec), Some(old)) = (&mut want.spec, &there.spec) {
        spec.selector = old.selector.clone();
    }
    if let Some(revision) = there.annotations().get(REVISION) {
        want.annotations_mut().insert(REVISION.into(), revision.clone());
    }
    want
}
