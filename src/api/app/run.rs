//! `POST /apps/{app}/run`.

use crate::{
    api::{
        Answer, Call,
        record::Recording,
        stream::{self, Format},
    },
    app::run,
    error::Error,
    event::Subject,
    provisioner::RunRequest,
};

/// Runs a command in the app's units, in one of them, or in an environment of its own.
pub async fn run(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let command = inputs.text("command").to_owned();
    if command.is_empty() {
        return Err(Error::invalid("You must provide the command to run"));
    }
    let app = call.app().await?;
    call.permit("app.run", &app.contexts())?;
    let request = RunRequest {
        app: app.name.clone(),
        command,
        once: inputs.flag("once"),
        isolated: inputs.flag("isolated"),
        ..RunRequest::default()
    };
    let app = call.record(Recording::of("app.run").cancelable_by("app.run"), app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = run::run(&ctx, &app, request, &out).await;
        (app, done)
    })
    .await
}
