//! Building platforms: into images where there are clusters, and as they are on a machine without.

use super::{Platform, change, image};
use crate::{
    cluster::{know, server},
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    provisioner::kubernetes::build::platform::{self, PlatformBuild},
    store::Filter,
};

/// Adds a platform; one that cannot be built is not there afterwards.
pub async fn add(ctx: &Context, event: &Locked<()>, name: &str, dockerfile: &str, out: &Output) -> Result<()> {
    if is_of_this_machine(ctx, name, dockerfile).await? {
        return change::add(&ctx.store, name).await;
    }
    change::add(&ctx.store, name).await?;
    let built = event.event().unless_cancelled(build(ctx, name, dockerfile, out)).await;
    if built.is_err() {
        ctx.store.of::<Platform>().delete(Filter::id(name)).await?;
    }
    built
}

/// Builds a platform anew; the next deploy of its apps begins at it.
pub async fn update(ctx: &Context, event: &Locked<()>, name: &str, dockerfile: &str, out: &Output) -> Result<()> {
    if !is_of_this_machine(ctx, name, dockerfile).await? {
        event.event().unless_cancelled(build(ctx, name, dockerfile, out)).await?;
    }
    change::rebuild_apps(&ctx.store, name).await
}

/// Makes an earlier version of a platform its newest again.
pub async fn roll_back(ctx: &Context, event: &Locked<()>, name: &str, version: i64, out: &Output) -> Result<()> {
    Platform::load(&ctx.store, name).await?;
    if version == 0 {
        return Err(Error::refused("Platform image is required."));
    }
    let known = image::versions(&ctx.store, name).await?;
    let found = known.iter().find(|known| known.version == version).and_then(|known| known.images.first());
    let is = if known.is_empty() { "is built into this server and " } else { "" };
    let none = || Error::refused(format!("platform {name:?} {is}has no image of version {version} to go back to"));
    let dockerfile = format!("FROM {}", found.ok_or_else(none)?);
    event.event().unless_cancelled(build(ctx, name, &dockerfile, out)).await?;
    change::rebuild_apps(&ctx.store, name).await
}

/// Removes a platform that no app uses, and its images.
pub async fn remove(ctx: &Context, name: &str) -> Result<()> {
    let known = image::versions(&ctx.store, name).await?;
    change::remove(&ctx.store, name).await?;
    let images: Vec<String> = known.into_iter().flat_map(|version| version.images).collect();
    platform::remove(&know::specs(ctx).await?, &server::settings(&ctx.config), &images).await;
    image::forget(&ctx.store, name).await
}

/// True where no cluster builds, and this machine's own platform is wanted. A platform that nobody here can build is refused.
async fn is_of_this_machine(ctx: &Context, name: &str, dockerfile: &str) -> Result<bool> {
    let clusters = know::specs(ctx).await?;
    if clusters.iter().any(|cluster| !cluster.settings.build("").address.is_empty()) {
        return Ok(false);
    }
    let own = change::check_buildable(ctx.provisioners.local().as_ref(), name, dockerfile).await;
    // Where there are clusters, it is they who say what is missing.
    if clusters.is_empty() { own.map(|()| true) } else { Ok(own.is_ok()) }
}

async fn build(ctx: &Context, name: &str, dockerfile: &str, out: &Output) -> Result<()> {
    let version = image::next(&ctx.store, name).await?;
    let what = PlatformBuild { name, version, dockerfile };
    let images = platform::build(&know::specs(ctx).await?, &server::settings(&ctx.config), what, out).await?;
    image::add(&ctx.store, name, image::Version { version, images }).await
}
