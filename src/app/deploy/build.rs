//! Making a version: number, build, what the build found out. A failed build leaves nothing but a used number.

use super::{EndData, Options, Origin, base, counted, fetch};
use crate::{
    app::{
        App, image as images_made,
        rollout::Rollout,
        version::{Version, write},
    },
    context::Context,
    error::{Error, Result},
    event::Locked,
    failpoint,
    output::Output,
    provisioner::{Base, BuildPlace, BuildRequest, ImageOf, Source},
};

/// Builds a tagged version without deploying it; gives the image's name.
pub async fn build(ctx: &Context, app: &mut Locked<App>, what: Origin, options: &Options, out: &Output) -> Result<String> {
    counted(ctx, "build", Box::pin(tagged(ctx, app, what, options, out))).await
}

async fn tagged(ctx: &Context, app: &mut Locked<App>, what: Origin, options: &Options, out: &Output) -> Result<String> {
    app.set_end_data(&EndData::default());
    if app.platform.is_empty() {
        return Err(Error::refused("can't build app without platform"));
    }
    let rollout = Rollout::load(ctx, app, out).await?;
    let version = version(ctx, app, &rollout, what, options).await?;
    let image = if rollout.provisioner.runs_images() { version.deploy_image } else { version.build_image };
    rollout.out.line(&image);
    app.set_end_data(&EndData { image: image.clone() });
    Ok(image)
}

/// Makes the next version of the app from `what`.
pub(super) async fn version(ctx: &Context, app: &Locked<App>, rollout: &Rollout<'_>, what: Origin, options: &Options) -> Result<Version> {
    // What cannot be had takes no number.
    let (source, _kept) = app.event().unless_cancelled(source(ctx, what)).await?;
    images_made::check(ctx, &rollout.provisioner, &source, (&ImageOf::App(app.name.clone()), &app.team_owner)).await?;
    let start = Version {
        description: options.message.clone(),
        custom_build_tag: options.tag.clone(),
        event: app.event().id(),
        ..Version::default()
    };
    let mut version = write::make(&ctx.store, &app.name, start).await?;
    failpoint::reach("deploy:version-made");
    match fill(ctx, app, rollout, source, &mut version).await {
        Ok(()) => Ok(version),
        Err(e) => {
            discard(ctx, app, rollout, version.version).await;
            Err(e)
        }
    }
}

/// Forgets a version that did not make it. What cannot be removed now goes with the next deploy or start.
pub(super) async fn discard(ctx: &Context, app: &Locked<App>, rollout: &Rollout<'_>, version: i64) {
    // Another server that goes on with it may make it serve.
    if app.event().check().await.is_err() {
        return;
    }
    // What failed may have been the routers, and units of it serve.
    let runs = super::tidy::running(&rollout.provisioner, &app.name).await;
    if !runs.is_ok_and(|running| !running.contains(&u32::try_from(version).unwrap_or_default())) {
        return;
    }
    if let Err(e) = super::tidy::forget(ctx, &rollout.provisioner, &app.name, version).await {
        tracing::warn!(app = app.name, version, error = %e, "a failed version could not be removed");
    }
}

async fn fill(ctx: &Context, app: &Locked<App>, rollout: &Rollout<'_>, source: Source, version: &mut Version) -> Result<()> {
    let images = rollout.provisioner.runs_images();
    let base = match &source {
        Source::Archive(_) if images => base::of(ctx, app, &rollout.versions).await?,
        _ => Base::default(),
    };
    let tag = version.custom_build_tag.clone();
    let request = BuildRequest {
        app: app.name.clone(),
        version: version.number(),
        platform: app.platform.clone(),
        source,
        env: rollout.env.clone(),
        place: BuildPlace { team: app.team_owner.clone(), pool: app.pool.clone(), tag, base },
    };
    let built = app.event().unless_cancelled(rollout.provisioner.build(request, &rollout.out)).await?;
    if version.custom_build_tag.is_empty() {
        version.build_image = if images { String::new() } else { format!("{}-builder", built.image) };
    } else {
        let name = built.image.rsplit_once(':').map_or(built.image.as_str(), |(name, _)| name);
        version.build_image = format!("{name}:{}", version.custom_build_tag);
    }
    version.deploy_image = built.image;
    version.config = built.config;
    version.processes = built.processes;
    version.exposed_ports = built.exposed_ports;
    app.event().check().await?;
    write::put(&ctx.store, &app.name, version).await?;
    failpoint::reach("deploy:built");
    Ok(())
}

/// What the provisioner builds from, and the uploaded file, which is removed when this is dropped.
async fn source(ctx: &Context, what: Origin) -> Result<(Source, Option<super::Upload>)> {
    let archive = |upload: super::Upload| (Source::Archive(upload.file.to_path_buf()), Some(upload));
    Ok(match what {
        Origin::Upload(upload) => archive(upload),
        Origin::ArchiveUrl(url) => archive(fetch::fetch(&ctx.config, &url).await?),
        Origin::Image(image) => (Source::Image(image), None),
        Origin::Dockerfile(text, upload) => {
            let context = upload.as_ref().map(|upload| upload.file.to_path_buf());
            (Source::Dockerfile { text, context }, upload)
        }
    })
}
