//! How many units an app may have. What is in use is counted from its units.

use crate::{
    app::{App, autoscale},
    context::Context,
    error::{Error, Result},
    event::Locked,
    provisioner::{Unit, UnitStatus},
    quota::Quota,
    store::Update,
};

/// The app's limit, and its units.
pub fn of(app: &App, units: &[Unit]) -> Quota {
    let counted = |unit: &&Unit| matches!(unit.status, UnitStatus::Starting | UnitStatus::Started | UnitStatus::Stopped);
    let in_use = units.iter().filter(counted).count();
    Quota { limit: app.quota.limit, in_use: i64::try_from(in_use).unwrap_or(i64::MAX) }
}

/// Sets the limit (negative: none) unless more units are there already, or may be when processes scale as they were told to.
pub async fn set_limit(ctx: &Context, app: &mut Locked<App>, limit: i64) -> Result<()> {
    let limit = limit.max(-1);
    let now = of(app, &ctx.runs(app).units(&app.name));
    if limit >= 0 && limit < now.in_use.max(scaled(ctx, app).await?) {
        return Err(Error::Forbidden("New limit is less than the current allocated value".into()));
    }
    let id = app.id;
    app.change(&ctx.store, id, Update::set("quota.limit", limit)).await
}

/// How many units there can be, where processes scale.
async fn scaled(ctx: &Context, app: &App) -> Result<i64> {
    let known = autoscale::seen(ctx, app).await?;
    let running = ctx.runs(app).seen(&app.name).unwrap_or_default();
    Ok(if known.is_empty() { 0 } else { autoscale::most(&running.processes, &known) })
}
