//! What runs.

use super::{Job, env::merge::merged};
use crate::{
    context::Context,
    error::Result,
    pool::Pool,
    provisioner::{Concurrency, DynProvisioner, JobPlace, JobState},
};

/// Seconds that a run may take when nothing else was said.
const DEADLINE: u64 = 60 * 60;
/// So often a failing command is started again when nothing else was said.
const RETRIES: u32 = 6;

/// The provisioner of a job's pool.
pub async fn provisioner(ctx: &Context, job: &Job) -> Result<DynProvisioner> {
    let pool = Pool::load(&ctx.store, &job.pool).await?;
    ctx.provisioner(&pool).await
}

/// Tells the provisioner what is wanted. Nothing is, until something was deployed.
pub async fn ensure(ctx: &Context, job: &Job) -> Result<()> {
    if job.image().is_empty() {
        return Ok(());
    }
    provisioner(ctx, job).await?.ensure_job(state(job)).await
}

/// Runs it now.
pub async fn trigger(ctx: &Context, job: &Job) -> Result<()> {
    provisioner(ctx, job).await?.trigger_job(&job.key()).await
}

/// Ends a run and forgets it.
pub async fn kill_unit(ctx: &Context, job: &Job, unit: &str, force: bool) -> Result<()> {
    provisioner(ctx, job).await?.kill_job_unit(&job.key(), unit, force).await
}

/// The wanted state of a job.
pub fn state(job: &Job) -> JobState {
    let spec = &job.spec;
    let seconds = spec.active_deadline_seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    let own = job.plan.overridden.clone().unwrap_or_default();
    JobState {
        job: job.name.clone(),
        image: job.image().to_owned(),
        command: spec.container.command.clone(),
        env: merged(job).into_iter().map(|(name, var)| (name, var.value)).collect(),
        schedule: (!spec.manual).then(|| spec.schedule.clone()),
        concurrency: match spec.concurrency_policy.as_deref() {
            Some("Forbid") => Concurrency::Forbid,
            Some("Replace") => Concurrency::Replace,
            _ => Concurrency::Allow,
        },
        deadline: seconds.unwrap_or(DEADLINE),
        retries: spec.backoff_limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(RETRIES),
        memory: own.memory.unwrap_or(job.plan.memory),
        cpu_milli: own.cpu_milli.unwrap_or(job.plan.cpu_milli),
        place: place(job),
    }
}

fn place(job: &Job) -> JobPlace {
    let vars: Vec<_> = job.spec.envs.iter().chain(job.spec.service_envs.iter().map(|bound| &bound.var)).collect();
    JobPlace {
        team: job.team_owner.clone(),
        pool: job.pool.clone(),
        tags: job.tags.clone(),
        labels: job.metadata.labels(),
        annotations: job.metadata.annotations(),
        order: vars.iter().map(|var| var.name.clone()).collect(),
        public: vars.iter().filter(|var| var.public).map(|var| var.name.clone()).collect(),
        schedule: job.spec.schedule.clone(),
        parallelism: job.spec.parallelism,
        completions: job.spec.completions,
        backoff_limit: job.spec.backoff_limit,
        cpu_burst: job.plan.burst(),
    }
}
