//! `POST /apps/{app}/routable`.

use serde::Deserialize;

use crate::{
    api::{Answer, Call, answer},
    app::{rollout, version::AppVersions},
    error::Error,
    event::Subject,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Input {
    is_routable: bool,
    version: String,
}

/// Lets a version get requests, or none.
pub async fn routable(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let app = call.app().await?;
    call.permit("app.update.routable", &app.contexts())?;
    let versions = AppVersions::load(&call.ctx.store, &app.name).await?;
    let version = versions.find(&input.version).map_err(|e| Error::invalid(e.to_string()))?.number();
    let app = call.record("app.update.routable", app).await?;
    let done = rollout::set_routable(&call.ctx, &app, version, input.is_routable).await;
    app.end(done).await?;
    answer::ok()
}
