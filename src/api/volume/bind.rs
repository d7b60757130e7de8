//! `POST` and `DELETE /volumes/{name}/bind`

use serde::Deserialize;

use crate::{
    api::{
        Answer, Call, answer,
        record::Recording,
        stream::{self, Format},
    },
    app::App,
    error::Result,
    event::{Locked, Subject},
    volume::{self, Undo, Volume},
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Input {
    app: String,
    mount_point: String,
    read_only: bool,
    no_restart: bool,
}

/// Gives an app a place for the volume.
pub async fn bind(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let (volume, app) = both(&mut call, &input, ["volume.update.bind", "app.update.bind-volume"]).await?;
    match volume::bind(&call.ctx, &volume, &app, &input.mount_point, input.read_only).await {
        Ok(bind) => restart(call, volume, app, input.no_restart, Undo::Remove(bind)).await,
        Err(e) => volume.end(Err(e)).await,
    }
}

/// Takes the place away.
pub async fn unbind(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let (volume, app) = both(&mut call, &input, ["volume.update.unbind", "app.update.unbind-volume"]).await?;
    match volume::unbind(&call.ctx, &volume, &app, &input.mount_point).await {
        Ok(bind) => restart(call, volume, app, input.no_restart, Undo::Restore(bind)).await,
        Err(e) => volume.end(Err(e)).await,
    }
}

/// Volume and app, both permitted, both under the event's lock.
async fn both(call: &mut Call, input: &Input, [for_volume, for_app]: [&'static str; 2]) -> Result<(Locked<Volume>, App)> {
    let volume = Volume::load(&call.ctx.store, call.var("name")).await?;
    call.permit(for_volume, &volume.contexts())?;
    let app = App::load(&call.ctx.store, &input.app).await?;
    call.permit(for_app, &app.contexts())?;
    let volume = call.record(Recording::of(for_volume).and_lock(app.target()), volume).await?;
    let permitted = async {
        let app = app.reload(&call.ctx.store).await?;
        call.permit(for_app, &app.contexts()).map(|()| app)
    };
    match permitted.await {
        Ok(app) => Ok((volume, app)),
        Err(e) => volume.end(Err(e)).await,
    }
}

async fn restart(call: Call, volume: Locked<Volume>, app: App, no_restart: bool, undo: Undo) -> Answer {
    if no_restart {
        volume.end(Ok(())).await?;
        return answer::ok();
    }
    let (_, app) = volume.exchange(app);
    stream::run(&call.ctx, app, Format::Json, |ctx, app, out| async move {
        let done = volume::restart(&ctx, &app, undo, &out).await;
        (app, done)
    })
    .await
}
