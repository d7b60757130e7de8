//! Brings an app to a wanted state, step by step, as tsuru's server does and says it; undoes it when a step fails.

mod app_resource;
mod clean;
mod deploy;
mod events;
mod faults;
mod google;
mod monitor;
mod patience;
pub mod plan;
mod prepare;
mod remove;
mod route;
mod scale;
mod scene;
mod services;
mod site;
mod undo;
mod volumes;

pub use self::{
    app_resource::introduce,
    deploy::REVISION,
    remove::remove,
    scene::Scene,
    site::{Site, Turns},
};

use tokio_util::sync::CancellationToken;

use self::{events::Events, plan::Change, undo::Undo};
use super::objects::Making;
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::AppState,
    request_id,
};

/// Everything that a step works with.
struct Work<'a> {
    scene: &'a Scene,
    events: Events,
    /// Nobody wants it any more.
    stop: CancellationToken,
}

/// Brings an app to a state; says what it was made from. On an error, or when dropped on the way, what was changed is undone; the next
/// change waits for that.
pub async fn apply(site: Site, want: AppState, out: &Output) -> Result<Scene> {
    let stop = CancellationToken::new();
    let (seen, out) = (stop.clone(), out.clone());
    let _cut = stop.drop_guard();
    tokio::spawn(request_id::carried(run(site, want, out, seen))).await.map_err(Error::internal)?
}

async fn run(site: Site, want: AppState, out: Output, stop: CancellationToken) -> Result<Scene> {
    let _turn = site.turns.of(&want.app).await;
    if stop.is_cancelled() {
        return Err(canceled());
    }
    let scene = Scene::read(site, want, out).await?;
    let steps = scene.steps();
    if let Some((first, _)) = steps.iter().find(|(_, change)| *change == Change::Deploy) {
        prepare::prepare(&scene, first).await?;
    }
    let events = Events::start(&scene.site, &scene.namespace, steps.iter().any(|(_, change)| is_told(*change))).await;
    let mut work = Work { scene: &scene, events, stop };
    let mut done = Vec::new();
    for (m, change) in &steps {
        if let Err(e) = Box::pin(step(&mut work, m, *change, &mut done)).await {
            undo::all(&mut work, done).await;
            return Err(e);
        }
    }
    if steps.iter().any(|(_, change)| is_told(*change)) || !scene.leaving().is_empty() {
        clean::clean(&scene).await;
    }
    // The app serves: that counts more.
    if let Err(e) = app_resource::sync(&scene).await {
        tracing::warn!(app = scene.want.app, error = %e, "the App resource could not be written");
    }
    drop(steps);
    Ok(scene)
}

/// Nobody wants it any more.
fn canceled() -> Error {
    Error::refused("canceled by user action: context canceled")
}

/// Its units come and go, and somebody reads how.
fn is_told(change: Change) -> bool {
    matches!(change, Change::Deploy | Change::Scale)
}

async fn step(work: &mut Work<'_>, m: &Making<'_>, change: Change, done: &mut Vec<Undo>) -> Result<()> {
    match change {
        Change::Keep => Ok(()),
        Change::Scale => scale::scale(work, m, done).await,
        Change::Route => route::route(work.scene, m, done).await,
        Change::Deploy => deploy::deploy(work, m, done).await,
    }
}
