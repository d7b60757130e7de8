//! `GET /`.

use actix_web::HttpResponse;

use crate::api::{Answer, Call};

/// A page that says what this is and how to use it.
pub async fn index(call: Call) -> Answer {
    let page = include_str!("index.html").replace("{{address}}", &call.ctx.config.host);
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page))
}
