//! `GET /volumes/{name}`

use super::view::VolumeView;
use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    volume::Volume,
};

/// One volume.
pub async fn info(call: Call) -> Answer {
    let volume = Volume::load(&call.ctx.store, call.var("name")).await?;
    call.permit("volume.read", &volume.contexts())?;
    let binds = volume.binds(&call.ctx.store).await?;
    answer::json(&VolumeView::new(volume, binds))
}
