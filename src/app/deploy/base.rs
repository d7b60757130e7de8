//! What sources are built upon, where versions are images.

use crate::{
    app::{App, version::AppVersions},
    context::Context,
    error::{Error, Result},
    platform::image,
    provisioner::Base,
};

/// The image that was deployed last; the platform's for the first deploy, each tenth, and when the platform is to be updated.
pub(super) async fn of(ctx: &Context, app: &App, versions: &AppVersions) -> Result<Base> {
    if !begins_anew(app, ctx.config.docker.max_layers)
        && let Ok(last) = versions.latest()
        && !last.deploy_image.is_empty()
    {
        return Ok(Base::Image(last.deploy_image.clone()));
    }
    let mut known = image::versions(&ctx.store, &app.platform).await?;
    let named = app.platform_version.rsplit(':').next().unwrap_or_default();
    if named.is_empty() || named == "latest" {
        return Ok(Base::Platform(known.pop().map(|version| version.images).unwrap_or_default()));
    }
    let number: i64 = named.trim_start_matches('v').parse().unwrap_or_default();
    let found = known.into_iter().find(|version| version.version == number);
    found.map(|version| Base::Platform(version.images)).ok_or_else(|| Error::refused("Platform image not found"))
}

fn begins_anew(app: &App, layers: i64) -> bool {
    app.deploys % layers == 0 || app.update_platform
}
