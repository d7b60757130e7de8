//! `DELETE /volumes/{name}`

use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    volume::{self, Volume},
};

/// Removes a volume.
pub async fn remove(mut call: Call) -> Answer {
    let volume = Volume::load(&call.ctx.store, call.var("name")).await?;
    call.permit("volume.delete", &volume.contexts())?;
    let volume = call.record("volume.delete", volume).await?;
    let done = volume::remove(&call.ctx, &volume).await;
    volume.end(done).await?;
    answer::ok()
}
