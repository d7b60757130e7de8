//! `GET/POST /apps/{app}/routers`, `PUT/DELETE /apps/{app}/routers/{router}`, `POST /apps/{app}/routes`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::view;
use crate::{
    api::{Answer, Call, answer},
    app::{App, router},
    context::Context,
    error::Result,
    event::Subject,
    pool::{Pool, constraint},
    router::find,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    name: String,
    opts: BTreeMap<String, String>,
}

/// The app's routers.
pub async fn list(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read.router", &app.contexts())?;
    let units = call.ctx.runs(&app).units(&app.name);
    answer::json_list(&view::routers(&call.ctx, &app, &units).await)
}

async fn known(ctx: &Context, router: &str) -> Result<()> {
    find(ctx, router).await.map(drop)
}

async fn check_pool(call: &Call, app: &App, router: &str) -> Result<()> {
    let pool = Pool::load(&call.ctx.store, &app.pool).await?;
    constraint::check_router(&call.ctx, &pool, router).await
}

/// Adds a router.
pub async fn add(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let app = call.app().await?;
    known(&call.ctx, &input.name).await?;
    call.permit("app.update.router.add", &app.contexts())?;
    check_pool(&call, &app, &input.name).await?;
    let mut app = call.record("app.update.router.add", app).await?;
    let done = router::add(&call.ctx, &mut app, &input.name, input.opts).await;
    app.end(done).await?;
    answer::ok()
}

/// Sets the options of one of the app's routers.
pub async fn update(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let name = call.var("router").to_owned();
    let app = call.app().await?;
    known(&call.ctx, &name).await?;
    call.permit("app.update.router.update", &app.contexts())?;
    check_pool(&call, &app, &name).await?;
    let mut app = call.record("app.update.router.update", app).await?;
    let done = router::set_opts(&call.ctx, &mut app, &name, input.opts).await;
    app.end(done).await?;
    answer::ok()
}

/// Takes a router from the app.
pub async fn remove(mut call: Call) -> Answer {
    let name = call.var("router").to_owned();
    let app = call.app().await?;
    call.permit("app.update.router.remove", &app.contexts())?;
    let mut app = call.record("app.update.router.remove", app).await?;
    let done = router::remove(&call.ctx, &mut app, &name).await;
    app.end(done).await?;
    answer::ok()
}

/// Makes the app's host names and units what they should be.
pub async fn rebuild(mut call: Call) -> Answer {
    let dry = call.inputs().await?.flag("dry");
    let app = call.app().await?;
    call.permit("app.admin.routes", &app.contexts())?;
    let app = call.record("app.admin.routes", app).await?;
    let done = if dry { Ok(()) } else { router::rebuild(&call.ctx, &app).await };
    app.end(done).await?;
    answer::ok()
}
