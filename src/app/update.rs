//! Changes apps.

use super::{
    App, Metadata, Process, create,
    plan::overridden,
    process,
    rollout::{self, Which},
};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    plan::{self, Plan, PlanOverride},
    pool::{Pool, constraint},
    quota,
    store::{Filter, Update},
    team::Team,
};

/// What to change; empty: stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Free text.
    pub description: String,
    /// All tags; one empty tag: none.
    pub tags: Vec<String>,
    /// Plan.
    pub plan: String,
    /// Numbers of its own; zero: the plan's again.
    pub overridden: PlanOverride,
    /// Owner.
    pub team_owner: String,
    /// Platform's name and version.
    pub platform: Option<(String, String)>,
    /// The next deploy pulls the platform anew.
    pub image_reset: bool,
    /// Labels and annotations.
    pub metadata: Metadata,
    /// What is special about single processes.
    pub processes: Vec<Process>,
    /// Units keep what they have until they are restarted.
    pub no_restart: bool,
}

/// Changes an app and restarts its units when the change is about them.
pub async fn update(ctx: &Context, app: &mut Locked<App>, changes: Changes, out: &Output) -> Result<()> {
    let pool = Pool::load(&ctx.store, &app.pool).await?;
    let plan = new_plan(ctx, app, &pool, &changes).await?;
    let processes = new_processes(ctx, app, &pool, &changes).await?;
    let metadata = new_metadata(app, &changes)?;
    let owner = new_owner(ctx, app, &pool, &changes).await?;
    let before = Update::set("plan", &app.plan).and_set("processes", &app.processes).and_set("metadata", &app.metadata);
    let restarts = (plan.is_some() || processes.is_some() || metadata.is_some()) && !changes.no_restart;
    let mut update = simple(app, changes);
    if let Some(plan) = plan {
        update = update.and_set("plan", plan);
    }
    if let Some(processes) = processes {
        update = update.and_set("processes", processes);
    }
    if let Some(metadata) = metadata {
        update = update.and_set("metadata", metadata);
    }
    match owner {
        Some(team) => give(ctx, app, &team, update).await?,
        None => change(ctx, app, update).await?,
    }
    let restarted = if restarts { rollout::restart(ctx, app, &Which::all(), out).await } else { Ok(()) };
    if restarted.is_err() {
        // The units from before go on: what is stored is what runs.
        change(ctx, app, before).await?;
    }
    restarted
}

async fn change(ctx: &Context, app: &mut Locked<App>, update: Update) -> Result<()> {
    let id = app.id;
    app.change(&ctx.store, id, update).await
}

/// What needs no look at anything else.
fn simple(app: &App, changes: Changes) -> Update {
    let mut update = Update::default();
    if !changes.description.is_empty() {
        update = update.and_set("description", changes.description);
    }
    if !changes.tags.is_empty() {
        update = update.and_set("tags", create::tags(changes.tags));
    }
    let mut reset = changes.image_reset;
    if let Some((name, version)) = changes.platform {
        reset |= app.platform != name || app.platform_version != version;
        update = update.and_set("framework", name).and_set("platformversion", version);
    }
    if reset { update.and_set("updateplatform", true) } else { update }
}

/// The plan after the change; `None`: the same.
async fn new_plan(ctx: &Context, app: &App, pool: &Pool, changes: &Changes) -> Result<Option<Plan>> {
    let base = if changes.plan.is_empty() { app.plan.clone() } else { known_plan(ctx, &changes.plan).await? };
    let plan = overridden(base, &changes.overridden)?;
    if plan == app.plan {
        return Ok(None);
    }
    constraint::check_plan(&ctx.store, pool, &plan.name).await?;
    Ok(Some(plan))
}

async fn known_plan(ctx: &Context, name: &str) -> Result<Plan> {
    plan::find(&ctx.store, name).await.map_err(|e| match e {
        Error::Refused(text) => Error::Invalid(text),
        other => other,
    })
}

async fn new_processes(ctx: &Context, app: &App, pool: &Pool, changes: &Changes) -> Result<Option<Vec<Process>>> {
    process::check(&changes.processes)?;
    process::check_plans(&ctx.store, pool, &changes.processes).await?;
    let merged = process::merge(&app.processes, changes.processes.clone());
    Ok((merged != app.processes).then_some(merged))
}

fn new_metadata(app: &App, changes: &Changes) -> Result<Option<Metadata>> {
    changes.metadata.check()?;
    let mut metadata = app.metadata.clone();
    metadata.merge(changes.metadata.clone());
    Ok((metadata != app.metadata).then_some(metadata))
}

async fn new_owner(ctx: &Context, app: &App, pool: &Pool, changes: &Changes) -> Result<Option<String>> {
    let team = &changes.team_owner;
    if team.is_empty() || *team == app.team_owner {
        return Ok(None);
    }
    constraint::check_team(&ctx.store, pool, team).await?;
    Ok(Some(team.clone()))
}

/// Gives the app to another team, which then has access, and whose quota counts it from now on.
async fn give(ctx: &Context, app: &mut Locked<App>, team: &str, update: Update) -> Result<()> {
    if !quota::reserve::<Team>(&ctx.store, Filter::id(team)).await? {
        return Err(Error::Forbidden("Quota exceeded".into()));
    }
    let before = app.team_owner.clone();
    let given = change(ctx, app, update.and_set("teamowner", team).and(Update::add_to_set("teams", team))).await;
    let loser = if given.is_ok() { before.as_str() } else { team };
    quota::release::<Team>(&ctx.store, Filter::id(loser)).await?;
    given
}
