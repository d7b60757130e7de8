//! Restart, start, stop.

use crate::{
    api::{
        Answer, Call,
        record::Recording,
        stream::{self, Format},
    },
    app::{
        App,
        rollout::{self, Which},
    },
    event::Subject,
};

/// `POST /apps/{app}/restart`.
pub async fn restart(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let app = App::load(&call.ctx.store, call.var("app")).await?;
    call.permit("app.update.restart", &app.contexts())?;
    let app = call.record(Recording::of("app.update.restart").cancelable(), app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = async {
            let which = Which::asked(&ctx, &app, inputs.text("process"), inputs.text("version")).await?;
            rollout::restart_all(&ctx, &app, &which, &out).await
        };
        let done = done.await;
        (app, done)
    })
    .await
}

/// `POST /apps/{app}/start`.
pub async fn start(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let app = App::load(&call.ctx.store, call.var("app")).await?;
    call.permit("app.update.start", &app.contexts())?;
    let app = call.record(Recording::of("app.update.start").cancelable(), app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = async {
            let which = Which::asked(&ctx, &app, inputs.text("process"), inputs.text("version")).await?;
            rollout::start(&ctx, &app, &which, &out).await
        };
        let done = done.await;
        (app, done)
    })
    .await
}

/// `POST /apps/{app}/stop`.
pub async fn stop(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let app = App::load(&call.ctx.store, call.var("app")).await?;
    call.permit("app.update.stop", &app.contexts())?;
    let app = call.record(Recording::of("app.update.stop").cancelable(), app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = async {
            let which = Which::asked(&ctx, &app, inputs.text("process"), inputs.text("version")).await?;
            rollout::stop(&ctx, &app, &which, &out).await
        };
        let done = done.await;
        (app, done)
    })
    .await
}
