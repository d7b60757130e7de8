//! `GET /healthcheck/`.

use std::time::Instant;

use actix_web::HttpResponse;

use crate::api::{Answer, Call, answer};

/// `WORKING`; with `check=all` or `check=store`, whether the store answers.
pub async fn healthcheck(call: Call) -> Answer {
    if call.query.get("check").is_none() {
        return answer::text("WORKING");
    }
    let start = Instant::now();
    let (status, word) = match call.ctx.store.backend().ping().await {
        Ok(()) => (HttpResponse::Ok(), "WORKING".to_owned()),
        Err(e) => {
            tracing::warn!(error = %e, "the store does not answer");
            (HttpResponse::ServiceUnavailable(), "fail - the store does not answer".to_owned())
        }
    };
    let mut response = status;
    Ok(response.content_type("text/plain; charset=utf-8").body(format!("database: {word} ({:?})\n", start.elapsed())))
}
