//! Versions that are of no use: left over by crashes, or long replaced.

use std::collections::BTreeSet;

use crate::{
    app::{
        App, intended,
        rollout::provisioner,
        version::{AppVersions, Version, write},
        wanted,
    },
    context::Context,
    error::Result,
    event::Locked,
    provisioner::DynProvisioner,
    store::Filter,
};

/// Forgets a version and its files; the files first, so that a crash leaves a version that is found again.
pub(super) async fn forget(ctx: &Context, provisioner: &DynProvisioner, app: &str, version: i64) -> Result<()> {
    provisioner.remove_version(app, u32::try_from(version).unwrap_or_default()).await?;
    if provisioner.runs_images() {
        let (gone, kept) = images(&AppVersions::load(&ctx.store, app).await?, version);
        provisioner.remove_images(&gone, &kept).await;
    }
    write::forget(&ctx.store, app, version).await
}

/// Removes versions beyond the newest ones that are kept, and what failed deploys left. Under the app's lock: nothing is being made.
pub(super) async fn after_deploy(ctx: &Context, app: &Locked<App>) -> Result<()> {
    let provisioner = provisioner(ctx, app).await?;
    let running = running(&provisioner, &app.name).await?;
    let versions = AppVersions::load(&ctx.store, &app.name).await?;
    for version in useless(&versions, &running, ctx.config.docker.image_history) {
        app.event().check().await?;
        forget(ctx, &provisioner, &app.name, version).await?;
    }
    Ok(())
}

/// Ends what a crash cut off, before anything is served: a version that serves was deployed, any other unfinished one is removed. Apps
/// about which something is written down are left to [`intended::keep`].
pub async fn after_start(ctx: &Context) -> Result<()> {
    let noted = intended::apps(&ctx.store).await?;
    for versions in ctx.store.of::<AppVersions>().find(Filter::All).await? {
        if !noted.contains(&versions.app)
            && !versions.versions.values().all(is_finished)
            && let Err(e) = finish(ctx, &versions).await
        {
            tracing::warn!(app = versions.app, error = %e, "what an interrupted deploy left could not be removed");
        }
    }
    Ok(())
}

/// Ends what an interrupted deploy of this app left: its version serves now, or is of no use.
pub async fn end_interrupted(ctx: &Context, app: &Locked<App>) -> Result<()> {
    finish(ctx, &AppVersions::load(&ctx.store, &app.name).await?).await
}

async fn finish(ctx: &Context, versions: &AppVersions) -> Result<()> {
    let Some(app) = ctx.store.of::<App>().get(Filter::eq("name", &versions.app)).await? else { return Ok(()) };
    let provisioner = provisioner(ctx, &app).await?;
    let running = running(&provisioner, &app.name).await?;
    for version in versions.versions.values().filter(|version| !is_finished(version)) {
        if running.contains(&version.number()) {
            write::succeeded(&ctx.store, &app.name, version.version).await?;
        } else {
            forget(ctx, &provisioner, &app.name, version.version).await?;
        }
    }
    Ok(())
}

/// The images of one version, and those of all others.
fn images(versions: &AppVersions, version: i64) -> (Vec<String>, Vec<String>) {
    let (own, others): (Vec<&Version>, Vec<&Version>) = versions.versions.values().partition(|other| other.version == version);
    let names = |versions: Vec<&Version>| versions.into_iter().flat_map(Version::images).cloned().collect();
    (names(own), names(others))
}

pub(super) async fn running(provisioner: &DynProvisioner, app: &str) -> Result<BTreeSet<u32>> {
    Ok(provisioner.state(app).await?.as_ref().map(wanted::versions).unwrap_or_default().into_iter().collect())
}

/// It was deployed, or is a whole build of its own.
fn is_finished(version: &Version) -> bool {
    version.deploy_successful || (!version.custom_build_tag.is_empty() && !version.build_image.is_empty())
}

/// What may go: neither running nor among the `kept` newest finished ones.
fn useless(versions: &AppVersions, running: &BTreeSet<u32>, kept: usize) -> Vec<i64> {
    let idle = |version: &&Version| !running.contains(&version.number());
    let mut finished: Vec<&Version> = versions.versions.values().filter(|version| is_finished(version)).collect();
    finished.sort_by_key(|version| std::cmp::Reverse(version.version));
    let old = finished.into_iter().skip(kept).filter(idle);
    let unfinished = versions.versions.values().filter(|version| !is_finished(version)).filter(idle);
    old.chain(unfinished).map(|version| version.version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(finished: &[i64], unfinished: &[i64]) -> AppVersions {
        let mut all = AppVersions::none("a");
        for (numbers, deploy_successful) in [(finished, true), (unfinished, false)] {
            for &version in numbers {
                all.versions.insert(version.to_string(), Version { version, deploy_successful, ..Version::default() });
            }
        }
        all
    }

    #[test]
    fn the_newest_and_the_running_versions_stay() {
        let all = versions(&[1, 2, 3, 4, 12], &[5]);
        assert_eq!(useless(&all, &[1].into(), 3), [2, 5]);
        assert_eq!(useless(&all, &[12].into(), 10), [5]);
    }

    #[test]
    fn a_whole_build_without_deploy_counts_as_finished() {
        let tagged = Version { custom_build_tag: "t".into(), build_image: "i:t".into(), ..Version::default() };
        assert!(is_finished(&tagged));
        assert!(!is_finished(&Version { build_image: String::new(), ..tagged }));
    }
}
