//! What jobs run from.

use super::{Job, env::merge::merged, run};
use crate::{
    app::image as app_images,
    context::Context,
    error::Result,
    output::Output,
    provisioner::{ImageOf, JobBuild, Source},
};

/// Lets the provisioner make the job's image; its name.
pub async fn build(ctx: &Context, job: &Job, source: Source, out: &Output) -> Result<String> {
    let provisioner = run::provisioner(ctx, job).await?;
    app_images::check(ctx, &provisioner, &source, (&ImageOf::Job(job.name.clone()), &job.team_owner)).await?;
    let env = merged(job).into_iter().map(|(name, var)| (name, var.value)).collect();
    provisioner.build_job(JobBuild { job: job.name.clone(), pool: job.pool.clone(), source, env }, out).await
}
