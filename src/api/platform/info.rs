//! `GET /platforms/{name}`.

use serde::Serialize;

use super::view::PlatformView;
use crate::{
    api::{Answer, Call, answer},
    platform::{Platform, image},
};

#[derive(Serialize)]
struct View {
    images: Vec<String>,
    platform: PlatformView,
}

/// A platform and its images.
pub async fn info(call: Call) -> Answer {
    if !call.caller()?.may("platform.update", &[]) {
        call.permit("platform.read", &[])?;
    }
    let platform = Platform::load(&call.ctx.store, call.var("name")).await?;
    let images = image::names(&call.ctx.store, &platform.name).await?;
    answer::json(&View { images, platform: platform.into() })
}
