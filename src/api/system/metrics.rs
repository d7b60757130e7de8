//! `GET /metrics`.

use actix_web::HttpResponse;

use crate::{
    api::{Answer, Call, dispatch::not_found},
    context::Context,
};

/// Numbers about this server, for Prometheus; unknown here when they have an address of their own.
pub async fn metrics(call: Call) -> Answer {
    if call.ctx.config.metrics_listen.is_some() { Ok(not_found()) } else { exposition(&call.ctx) }
}

/// The numbers.
pub fn exposition(ctx: &Context) -> Answer {
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(ctx.exposition()?))
}
