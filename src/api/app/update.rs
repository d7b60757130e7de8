//! `PUT /apps/{app}`.

use super::create::Input;
use crate::{
    api::{Answer, Call, record::Recording, stream},
    app::{
        App,
        update::{self, Changes},
    },
    error::{Error, Result},
    event::Subject,
    plan::PlanOverride,
    platform,
};

const NOTHING: &str = "Neither the description, tags, plan, pool, team owner or platform were set. You must define at least one.";
const OLD_ROUTER: &str = "updating router was deprecated, please add the wanted router and remove the old one";
const OTHER_POOL: &str = "pool updates are no longer supported, create a new app in the desired pool instead";

/// Changes an app.
pub async fn update(mut call: Call) -> Answer {
    let mut input: Input = call.input().await?;
    let values = call.inputs().await?;
    input.tags.extend(values.all("tag").map(str::to_owned));
    input.platform = values.text("platform").into();
    let (image_reset, no_restart) = (values.flag("imageReset"), values.flag("noRestart"));
    let app = call.app().await?;
    check(&input, &app)?;
    let platform = match input.platform.as_str() {
        "" => None,
        asked => Some(platform::usable(&call.ctx.store, call.caller()?, asked).await?),
    };
    let permissions = permissions(&input, image_reset);
    permit(&call, &permissions, &app)?;
    let changes = changes(input, platform, image_reset, no_restart);
    let first = permissions.first().copied().ok_or_else(|| Error::invalid(NOTHING))?;
    let app = call.record(Recording::of(first).as_kind("app.update").cancelable(), app).await?;
    if let Err(e) = permit(&call, &permissions, &app) {
        return app.end(Err(e)).await;
    }
    stream::run(&call.ctx, app, stream::Format::Json, |ctx, mut app, out| async move {
        let done = update::update(&ctx, &mut app, changes, &out).await;
        (app, done)
    })
    .await
}

fn check(input: &Input, app: &App) -> Result<()> {
    if !input.router.is_empty() || !input.router_opts.is_empty() {
        return Err(Error::invalid(OLD_ROUTER));
    }
    if !input.pool.is_empty() && input.pool != app.pool {
        return Err(Error::invalid(OTHER_POOL));
    }
    Ok(())
}

/// What the caller needs: one permission for each thing to change.
fn permissions(input: &Input, image_reset: bool) -> Vec<&'static str> {
    let wanted = [
        (!input.description.is_empty(), "app.update.description"),
        (!input.tags.is_empty(), "app.update.tags"),
        (!input.plan.is_empty(), "app.update.plan"),
        (input.overridden != PlanOverride::default(), "app.update.planoverride"),
        (!input.team_owner.is_empty(), "app.update.teamowner"),
        (!input.platform.is_empty(), "app.update.platform"),
        (image_reset || !input.platform.is_empty(), "app.update.image-reset"),
        (!input.metadata.is_empty(), "app.update.metadata"),
        (!input.processes.is_empty(), "app.update.processes"),
    ];
    wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, permission)| permission).collect()
}

fn permit(call: &Call, permissions: &[&str], app: &App) -> Result<()> {
    if permissions.is_empty() {
        return Err(Error::invalid(NOTHING));
    }
    permissions.iter().try_for_each(|permission| call.permit(permission, &app.contexts()))
}

fn changes(input: Input, platform: Option<(String, String)>, image_reset: bool, no_restart: bool) -> Changes {
    Changes {
        description: input.description,
        tags: input.tags,
        plan: input.plan,
        overridden: input.overridden,
        team_owner: input.team_owner,
        image_reset: image_reset || platform.is_some(),
        platform,
        metadata: input.metadata,
        processes: input.processes,
        no_restart,
    }
}
