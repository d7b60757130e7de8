//! `POST /volumes/{name}`, and `PUT`, as one client library sends it.

use super::wish::VolumeInput;
use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    volume::{self, Volume, Wish},
};

/// Replaces what is known about a volume.
pub async fn update(mut call: Call) -> Answer {
    let wish = Wish::from(call.input::<VolumeInput>().await?);
    let volume = Volume::load(&call.ctx.store, call.var("name")).await?;
    call.permit("volume.update", &volume.contexts())?;
    let mut volume = call.record("volume.update", volume).await?;
    let done = volume::update(&call.ctx, &mut volume, wish).await;
    volume.end(done).await?;
    answer::ok()
}
