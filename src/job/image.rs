//! What jobs run from.

use super::{Job, env, run};
use crate::{
    app::{App, image as app_images},
    context::Context,
    error::{Error, Result},
    output::Output,
    provisioner::{ImageOf, JobBuild, Source, app_image},
    store::Filter,
};

/// Lets the provisioner make the job's image from another one; its name.
pub async fn build(ctx: &Context, job: &Job, image: String, out: &Output) -> Result<String> {
    check(ctx, job, &image).await?;
    let own = ImageOf::Job(job.name.clone());
    app_images::check(ctx, &run::provisioner(ctx, job).await?, &image, (&own, &job.team_owner)).await?;
    build_from(ctx, job, Source::Image(image), out).await
}

/// The same from any source that was checked.
pub async fn build_from(ctx: &Context, job: &Job, source: Source, out: &Output) -> Result<String> {
    let env = env::merged(job).into_iter().map(|(name, var)| (name, var.value)).collect();
    run::provisioner(ctx, job).await?.build_job(JobBuild { job: job.name.clone(), pool: job.pool.clone(), source, env }, out).await
}

/// Files of an app are for the teams of the app. Registries have rules of their own.
pub async fn check(ctx: &Context, job: &Job, image: &str) -> Result<()> {
    let Some((name, _)) = app_image(image) else { return Ok(()) };
    let app = ctx.store.of::<App>().get(Filter::eq("name", name)).await?;
    let allowed = app.is_some_and(|app| app.team_owner == job.team_owner || app.teams.contains(&job.team_owner));
    if allowed { Ok(()) } else { Err(Error::invalid(format!("image {image:?} is not there for team {:?}", job.team_owner))) }
}
