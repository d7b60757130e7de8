//! What jobs run from.

use super::{Job, env, run};
use crate::{
    app::image as app_images,
    context::Context,
    error::Result,
    output::Output,
    provisioner::{ImageOf, JobBuild, Source},
};

/// Lets the provisioner make the job's image from another one; its name.
pub async fn build(ctx: &Context, job: &Job, image: String, out: &Output) -> Result<String> {
    let own = ImageOf::Job(job.name.clone());
    app_images::check(ctx, &run::provisioner(ctx, job).await?, &image, (&own, &job.team_owner)).await?;
    build_from(ctx, job, Source::Image(image), out).await
}

/// The same from any source that was checked.
pub async fn build_from(ctx: &Context, job: &Job, source: Source, out: &Output) -> Result<String> {
    let env = env::merged(job).into_iter().map(|(name, var)| (name, var.value)).collect();
    run::provisioner(ctx, job).await?.build_job(JobBuild { job: job.name.clone(), pool: job.pool.clone(), source, env }, out).await
}
