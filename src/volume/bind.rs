//! Puts volumes into apps and takes them out.

use std::sync::Arc;

use super::{Bind, BindId, Volume, is_mount_point};
use crate::{
    app::{
        App,
        rollout::{self, Which},
    },
    context::Context,
    error::{Error, OrNotFound, Result},
    event::Locked,
    output::Output,
    provisioner::{Mount, VolumePlace},
    store::{Filter, Find, Store, StoreError},
};

/// Gives an app its place for the volume; units that are made from now on have it. The event locks the app too.
pub async fn bind(ctx: &Context, volume: &Locked<Volume>, app: &App, mount_point: &str, read_only: bool) -> Result<Bind> {
    if !is_mount_point(mount_point) {
        return Err(Error::invalid(format!("invalid mount point {mount_point:?}: it must be an absolute path like /uploads")));
    }
    let taken = || Error::conflict("volume already bound in mountpoint");
    let same_place = |bind: &Bind| bind.id.mount_point.trim_end_matches('/') == mount_point.trim_end_matches('/');
    if binds_of_app(&ctx.store, &app.name).await?.iter().any(same_place) {
        return Err(taken());
    }
    let id = BindId { app: app.name.clone(), mount_point: mount_point.into(), volume: volume.name.clone() };
    let bind = Bind { id, read_only };
    match ctx.store.of::<Bind>().insert(&bind).await {
        Err(StoreError::Duplicate(_)) => Err(taken()),
        other => Ok(other.map(|()| bind)?),
    }
}

/// Takes the place away; units that run keep it until they are replaced.
pub async fn unbind(ctx: &Context, volume: &Locked<Volume>, app: &App, mount_point: &str) -> Result<Bind> {
    let id = BindId { app: app.name.clone(), mount_point: mount_point.into(), volume: volume.name.clone() };
    let bind = ctx.store.of::<Bind>().get(Filter::id(&id)).await?.or_not_found("volume bind not found")?;
    ctx.store.of::<Bind>().delete(Filter::id(&id)).await?;
    Ok(bind)
}

/// What is undone when an app does not come up after a change of its binds.
#[derive(Debug)]
pub enum Undo {
    /// Was added.
    Remove(Bind),
    /// Was removed.
    Restore(Bind),
}

/// Replaces the app's units, so that they see its binds as they are now. When they do not come up, the change is undone, as the
/// provisioner goes on with the units from before.
pub async fn restart(ctx: &Context, app: &Locked<App>, undo: Undo, out: &Output) -> Result<()> {
    let restarted = rollout::restart(ctx, app, &Which::all(), out).await;
    if restarted.is_err() {
        match undo {
            Undo::Remove(bind) => ctx.store.of::<Bind>().delete(Filter::id(&bind.id)).await.map(drop)?,
            Undo::Restore(bind) => ctx.store.of::<Bind>().insert(&bind).await?,
        }
    }
    restarted
}

/// The binds of an app.
pub async fn binds_of_app(store: &Store, app: &str) -> Result<Vec<Bind>> {
    Ok(store.of::<Bind>().find(Filter::eq("_id.app", app)).await?)
}

/// The binds of these apps, for showing: see [`crate::store::Collection::recent`].
pub async fn shown_of(store: &Store, apps: &[&str]) -> Result<Arc<Vec<Bind>>> {
    Ok(store.of::<Bind>().recent(Filter::any_of("_id.app", apps), Find::default()).await?)
}

/// The volumes of an app's units.
pub async fn mounts(store: &Store, app: &str) -> Result<Vec<Mount>> {
    let binds = binds_of_app(store, app).await?;
    Ok(binds.into_iter().map(|bind| Mount { volume: bind.id.volume, path: bind.id.mount_point, read_only: bind.read_only }).collect())
}

/// The volumes that are mounted.
pub async fn places(store: &Store, mounts: &[Mount]) -> Result<Vec<VolumePlace>> {
    if mounts.is_empty() {
        return Ok(Vec::new());
    }
    let mounted = |path: &str| Filter::any_of(path, mounts.iter().map(|mount| &mount.volume));
    let binds = store.of::<Bind>().find(mounted("_id.volume")).await?;
    let volumes = store.of::<Volume>().find(mounted("_id")).await?;
    Ok(volumes.iter().map(|volume| volume.place(&binds)).collect())
}

/// Takes all volumes from an app that is being removed.
pub async fn unbind_all(ctx: &Context, app: &Locked<App>, _: &Output) -> Result<()> {
    ctx.store.of::<Bind>().delete(Filter::eq("_id.app", &app.name)).await?;
    Ok(())
}
