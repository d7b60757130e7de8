//! Changes jobs.

use super::{
    Container, DeployOptions, Job, Spec,
    create::{self, NEVER},
    image, run,
};
use crate::{
    app::{Metadata, create::tags},
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    plan::{self, Plan},
    pool::Pool,
    provisioner::Source,
    quota,
    store::{Filter, Update},
    team::Team,
};

/// What to change; empty: stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Owner.
    pub team_owner: String,
    /// Plan.
    pub plan: String,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Labels and annotations.
    pub metadata: Metadata,
    /// Image and command.
    pub container: Container,
    /// When.
    pub schedule: String,
    /// Only when somebody says so.
    pub manual: bool,
    /// Seconds that a run may take.
    pub active_deadline_seconds: Option<i64>,
    /// What happens when it is time and the last run goes on.
    pub concurrency_policy: Option<String>,
}

/// Changes a job, for the next run.
pub async fn update(ctx: &Context, job: &mut Locked<Job>, changes: Changes) -> Result<()> {
    changes.metadata.check()?;
    let mut wanted = Job::clone(job);
    wanted.metadata.merge(changes.metadata);
    wanted.spec = spec(&job.spec, &changes.schedule, changes.manual, changes.active_deadline_seconds, changes.concurrency_policy);
    create::check_spec(&wanted.spec)?;
    set(&mut wanted.description, changes.description);
    set(&mut wanted.team_owner, changes.team_owner);
    if !changes.tags.is_empty() {
        wanted.tags = tags(changes.tags);
    }
    if !changes.container.command.is_empty() {
        wanted.spec.container.command = changes.container.command;
    }
    let pool = Pool::load(&ctx.store, &job.pool).await?;
    wanted.plan = known_plan(ctx, if changes.plan.is_empty() { &job.plan.name } else { &changes.plan }).await?;
    create::check_pool(ctx, &pool, &wanted.team_owner).await?;
    create::check_plan(ctx, &pool, &wanted.plan).await?;
    take_image(ctx, &mut wanted, changes.container.image).await?;
    give(ctx, job, &wanted).await
}

fn set(field: &mut String, asked: String) {
    if !asked.is_empty() {
        *field = asked;
    }
}

fn spec(before: &Spec, schedule: &str, manual: bool, deadline: Option<i64>, policy: Option<String>) -> Spec {
    let (schedule, manual) = match (manual, schedule) {
        (true, _) => (NEVER.to_owned(), true),
        (false, "") => (before.schedule.clone(), before.manual),
        (false, asked) => (asked.to_owned(), false),
    };
    Spec {
        schedule,
        manual,
        active_deadline_seconds: deadline.filter(|seconds| *seconds >= 0).or(before.active_deadline_seconds),
        concurrency_policy: policy.or_else(|| before.concurrency_policy.clone()),
        ..before.clone()
    }
}

async fn known_plan(ctx: &Context, name: &str) -> Result<Plan> {
    plan::find(&ctx.store, name).await.map_err(|e| match e {
        Error::Refused(text) => Error::Invalid(text),
        other => other,
    })
}

async fn take_image(ctx: &Context, wanted: &mut Job, image: String) -> Result<()> {
    let known = wanted.deploy_options.as_ref().is_some_and(|options| options.image == image);
    if image.is_empty() || known {
        return Ok(());
    }
    wanted.spec.container.internal_registry_image = image::build(ctx, wanted, Source::Image(image.clone()), &Output::default()).await?;
    wanted.deploy_options = Some(DeployOptions::image(&image));
    wanted.spec.container.image = image;
    Ok(())
}

/// Keeps the change, in the quota of another team when it has another owner.
async fn give(ctx: &Context, job: &mut Locked<Job>, wanted: &Job) -> Result<()> {
    let before = job.team_owner.clone();
    if wanted.team_owner == before {
        return keep(ctx, job, wanted).await;
    }
    if !quota::reserve::<Team>(&ctx.store, Filter::id(&wanted.team_owner)).await? {
        let team = ctx.store.of::<Team>().get(Filter::id(&wanted.team_owner)).await?;
        return Err(create::exceeded(team.map(|team| team.quota)));
    }
    let kept = keep(ctx, job, wanted).await;
    let loser = if kept.is_ok() { &before } else { &wanted.team_owner };
    quota::release::<Team>(&ctx.store, Filter::id(loser)).await?;
    kept
}

async fn keep(ctx: &Context, job: &mut Locked<Job>, wanted: &Job) -> Result<()> {
    let (id, before) = (job.id, Job::clone(job));
    job.change(&ctx.store, id, all_of(wanted)).await?;
    let ensured = run::ensure(ctx, job).await;
    if ensured.is_err() {
        // What runs is what was there before: so is what is stored.
        job.change(&ctx.store, id, all_of(&before)).await?;
    }
    ensured
}

fn all_of(job: &Job) -> Update {
    Update::set("teamowner", &job.team_owner)
        .and_set("plan", &job.plan)
        .and_set("description", &job.description)
        .and_set("tags", &job.tags)
        .and_set("metadata", &job.metadata)
        .and_set("deployoptions", &job.deploy_options)
        .and_set("spec", &job.spec)
}
