//! Makes, changes and removes volumes.

use std::collections::BTreeMap;

use super::{Volume, plan};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    names,
    permission::{ContextType, holder},
    pool::{
        Pool,
        constraint::{Field, Rules},
    },
    store::{Filter, StoreError, Update},
    team::Team,
};

const PROVISIONED: &str =
    "updating a volume already provisioned is not supported, a new volume must be created and the old one deleted if necessary";

/// What a volume should be.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Name.
    pub name: String,
    /// Pool.
    pub pool: String,
    /// Name of the plan.
    pub plan: String,
    /// The team that owns it.
    pub team_owner: String,
    /// Options of its own.
    pub opts: BTreeMap<String, String>,
}

/// 400 unless volumes of this plan may be made in this pool.
pub async fn check_plan(ctx: &Context, pool: &str, plan: &str) -> Result<()> {
    Pool::load(&ctx.store, pool).await.map_err(as_refused)?;
    let known = ctx.config.volume_plans.keys().cloned().collect();
    let allowed = Rules::load(&ctx.store, pool).await?.allowed(Field::VolumePlan, known);
    match allowed.iter().any(|name| name == plan) {
        true => Ok(()),
        false if allowed.is_empty() => Err(Error::invalid("no volume-plan found for pool")),
        false => Err(Error::invalid("volume-plan not present in pool constraint")),
    }
}

/// Makes a volume; its storage comes with the first unit that uses it.
pub async fn create(ctx: &Context, _lock: &Locked<()>, wish: Wish) -> Result<()> {
    if wish.name.is_empty() {
        return Err(Error::refused("volume name cannot be empty"));
    }
    if !names::is_common(&wish.name) {
        let text = "Invalid volume name, volume name should have at most 40 characters, containing only lower case letters, numbers or \
                    dashes, starting with a letter.";
        return Err(Error::invalid(text));
    }
    let volume = checked(ctx, wish).await?;
    refuse_provisioned(ctx, &volume).await?;
    match ctx.store.of::<Volume>().insert(&volume).await {
        Err(StoreError::Duplicate(_)) => Err(Error::conflict("volume already exists")),
        other => Ok(other?),
    }
}

/// Replaces everything but the name. A bound volume keeps its plan and its pool; one whose storage cannot become another, everything.
pub async fn update(ctx: &Context, volume: &mut Locked<Volume>, wish: Wish) -> Result<()> {
    check_plan(ctx, &wish.pool, &wish.plan).await?;
    refuse_provisioned(ctx, volume).await?;
    let wanted = checked(ctx, Wish { name: volume.name.clone(), ..wish }).await?;
    let moves = wanted.plan != volume.plan || wanted.pool != volume.pool;
    if moves && !volume.binds(&ctx.store).await?.is_empty() {
        return Err(Error::refused(PROVISIONED));
    }
    let update = Update::set("pool", wanted.pool).and_set("plan", wanted.plan);
    let update = update.and_set("teamowner", wanted.team_owner).and_set("opts", wanted.opts);
    volume.change(&ctx.store, wanted.name, update).await
}

/// Removes a volume that no app is bound to, and all that is in it. What is in it goes first, so that a removal that was cut short can be
/// asked for again.
pub async fn remove(ctx: &Context, volume: &Locked<Volume>) -> Result<()> {
    if !volume.binds(&ctx.store).await?.is_empty() {
        return Err(Error::refused("cannot delete volume with existing binds"));
    }
    let pool = Pool::load(&ctx.store, &volume.pool).await?;
    ctx.provisioner(&pool).await?.remove_volume(&volume.name).await?;
    holder::forget_context(&ctx.store, ContextType::Volume, &volume.name).await?;
    ctx.store.of::<Volume>().delete(Filter::id(&volume.name)).await?;
    Ok(())
}

/// The volume that is wished for, if it can be made.
async fn checked(ctx: &Context, wish: Wish) -> Result<Volume> {
    let pool = Pool::load(&ctx.store, &wish.pool).await.map_err(as_refused)?;
    Team::load(&ctx.store, &wish.team_owner).await.map_err(as_refused)?;
    let provisioner = ctx.provisioner(&pool).await?;
    let plan = plan::find(&ctx.config.volume_plans, &wish.plan, provisioner.name())?;
    let Wish { name, pool, team_owner, opts, .. } = wish;
    let volume = Volume { name, pool, plan, team_owner, status: String::new(), opts };
    provisioner.check_volume(&volume.place(&[]))?;
    Ok(volume)
}

async fn refuse_provisioned(ctx: &Context, volume: &Volume) -> Result<()> {
    let pool = Pool::load(&ctx.store, &volume.pool).await?;
    let provisioned = ctx.provisioner(&pool).await?.has_volume(&volume.name).await?;
    if provisioned { Err(Error::refused(PROVISIONED)) } else { Ok(()) }
}

/// An absent pool or team of a wish is a wrong wish, not an absent volume.
fn as_refused(e: Error) -> Error {
    match e {
        Error::NotFound(text) => Error::refused(text),
        other => other,
    }
}
