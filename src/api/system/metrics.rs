//! `GET /metrics`.

use actix_web::HttpResponse;

use crate::api::{Answer, Call};

/// Numbers about this server, for Prometheus.
pub async fn metrics(call: Call) -> Answer {
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(call.ctx.metrics.text()?))
}
