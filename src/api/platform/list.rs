//! `GET /platforms`.

use super::view::PlatformView;
use crate::{
    api::{Answer, Call, answer},
    platform::{Platform, usable::sees_disabled},
    store::{Filter, Find},
};

/// All platforms; disabled ones for those who look after platforms.
pub async fn list(call: Call) -> Answer {
    let seen = if sees_disabled(call.caller()?) { Filter::All } else { Filter::ne("disabled", true) };
    let by_name = Find { sort: Some(("_id", false)), ..Find::default() };
    let platforms = call.ctx.store.of::<Platform>().recent(seen, by_name).await?;
    let views: Vec<PlatformView> = platforms.iter().cloned().map(PlatformView::from).collect();
    answer::json_list(&views)
}
