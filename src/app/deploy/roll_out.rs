//! From a request to a version that serves.

use super::{EndData, Options, Origin, build, counted, tidy};
use crate::{
    app::{
        App, intended,
        rollout::{Rollout, during},
        version::{Version, write},
        wanted::{self, Others},
    },
    context::Context,
    error::{Error, Result},
    event::Locked,
    failpoint,
    output::Output,
    store::Update,
};

/// Deploys: makes a version, lets it serve, and forgets old ones.
pub async fn deploy(ctx: &Context, app: &mut Locked<App>, what: Origin, options: &Options, out: &Output) -> Result<()> {
    let deployed = counted(ctx, what.kind(), Box::pin(made_to_serve(ctx, app, what, options, out))).await;
    intended::end_deploy(ctx, app).await;
    deployed
}

async fn made_to_serve(ctx: &Context, app: &mut Locked<App>, what: Origin, options: &Options, out: &Output) -> Result<()> {
    app.set_end_data(&EndData::default());
    let without_platform = app.platform.is_empty() && matches!(what, Origin::Upload(_) | Origin::ArchiveUrl(_));
    let update_platform = matches!(what, Origin::Image(_));
    let rollout = Rollout::load(ctx, app, out).await?;
    intended::begin_deploy(ctx, app, &rollout.provisioner, update_platform).await?;
    let others = others(&rollout, options)?;
    let deployed = async {
        if without_platform {
            return Err(Error::refused("can't deploy app without platform, if it's not an image, dockerfile or rollback"));
        }
        if let Some(own) = own_image(&rollout, &what) {
            let own = own.clone();
            serve(&rollout, &own, others).await?;
            return Ok(own);
        }
        let version = build::version(ctx, app, &rollout, what, options).await?;
        if let Err(e) = serve(&rollout, &version, others).await {
            build::discard(ctx, app, &rollout, version.version).await;
            return Err(e);
        }
        Ok(version)
    };
    let version = deployed.await.map_err(|e| during("deploy", e))?;
    drop(rollout);
    finish(ctx, app, &version, update_platform).await
}

/// Where images are only names, the image of an own version is that version.
fn own_image<'a>(rollout: &'a Rollout<'_>, what: &Origin) -> Option<&'a Version> {
    let Origin::Image(image) = what else { return None };
    let local = rollout.provisioner.name() == "local" && image.contains(':');
    let version = local.then(|| rollout.versions.find(image).ok()).flatten()?;
    (!version.deploy_image.is_empty() && !version.marked_to_removal).then_some(version)
}

/// What happens to versions that run already; refuses when that was left open.
pub(super) fn others(rollout: &Rollout<'_>, options: &Options) -> Result<Others> {
    let running = rollout.before.as_ref().map(wanted::versions).unwrap_or_default();
    match (options.new_version, options.override_versions) {
        (true, true) => Err(Error::refused("conflicting deploy flags, new-version and override-old-versions")),
        (true, false) => Ok(Others::Kept),
        (false, false) if running.len() > 1 => {
            Err(Error::refused("multiple versions currently deployed, either new-version or override-old-versions must be set"))
        }
        (false, _) => Ok(Others::Replaced),
    }
}

/// Lets a built version serve.
pub(super) async fn serve(rollout: &Rollout<'_>, version: &Version, others: Others) -> Result<()> {
    rollout.apply(rollout.deployed(version, others)?).await
}

/// Notes that a version serves. The app's document goes first: its write fails when somebody else holds the lock by now.
pub(super) async fn finish(ctx: &Context, app: &mut Locked<App>, version: &Version, update_platform: bool) -> Result<()> {
    let id = app.id;
    app.change(&ctx.store, id, Update::inc("deploys", 1).and_set("updateplatform", update_platform)).await?;
    write::succeeded(&ctx.store, &app.name, version.version).await?;
    app.set_end_data(&EndData { image: version.deploy_image.clone() });
    if let Err(e) = tidy::after_deploy(ctx, app).await {
        tracing::warn!(app = app.name, error = %e, "old versions could not be removed");
    }
    failpoint::reach("deploy:finished");
    Ok(())
}
