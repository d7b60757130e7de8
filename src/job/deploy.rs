//! Deploys: what a job runs from.

use super::{Job, image, run};
use crate::{
    app::deploy::Upload,
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    provisioner::Source,
    store::Update,
};

/// What came with a deploy.
#[derive(Debug)]
pub struct Deploy {
    /// An image; empty: a Dockerfile came.
    pub image: String,
    /// Text of a Dockerfile.
    pub dockerfile: String,
    /// The files around it.
    pub file: Option<Upload>,
}

/// Makes the job's image; the next run takes it. Gives its name.
pub async fn deploy(ctx: &Context, job: &mut Locked<Job>, what: Deploy, out: &Output) -> Result<String> {
    let deployed = deployed(ctx, job, what, out).await;
    if !matches!(deployed, Ok(_) | Err(Error::Internal(_))) {
        out.line(&format!("Tsuru failed to deploy job {}", job.name));
    }
    let image = deployed?;
    out.write("\nDeploy finished with success!\n");
    Ok(image)
}

async fn deployed(ctx: &Context, job: &mut Locked<Job>, what: Deploy, out: &Output) -> Result<String> {
    out.section(&format!("Starting container image build for job {:?}", job.name));
    let building = async {
        let context = what.file.as_ref().map(|upload| upload.file.to_path_buf());
        let source = if what.image.is_empty() { Source::Dockerfile { text: what.dockerfile, context } } else { Source::Image(what.image) };
        image::build(ctx, job, source, out).await
    };
    let image = job.event().unless_cancelled(building).await?;
    let id = job.id;
    job.change(&ctx.store, id, Update::set("spec.container.internalRegistryImage", &image)).await?;
    run::ensure(ctx, job).await?;
    Ok(image)
}
