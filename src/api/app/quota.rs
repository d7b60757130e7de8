//! `GET/PUT /apps/{app}/quota`.

use super::view::QuotaView;
use crate::{
    api::{Answer, Call, answer, extract::go},
    app::quota,
    error::Error,
    event::Subject,
};

/// The limit of units, and how many there are.
pub async fn get(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read", &app.contexts())?;
    let units = call.ctx.runs(&app).units(&app.name);
    answer::json(&QuotaView::from(quota::of(&app, &units)))
}

/// Sets the limit.
pub async fn set(mut call: Call) -> Answer {
    let limit = go::parse_int(call.inputs().await?.text("limit"));
    let app = call.app().await?;
    call.permit("app.admin.quota", &app.contexts())?;
    let limit = limit.ok_or_else(|| Error::invalid("Invalid limit"))?;
    let mut app = call.record("app.admin.quota", app).await?;
    let done = quota::set_limit(&call.ctx, &mut app, limit).await;
    app.end(done).await?;
    answer::ok()
}
