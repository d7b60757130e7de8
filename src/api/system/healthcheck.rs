//! `GET /healthcheck/`.

use std::time::Instant;

use actix_web::HttpResponse;

use crate::{
    api::{Answer, Call, answer},
    config::Database,
};

/// `WORKING`; with `check=all` or the store's name, whether the store answers.
pub async fn healthcheck(call: Call) -> Answer {
    let name = match call.ctx.config.database {
        Database::Embedded => "database",
        Database::Mongo { .. } => "MongoDB",
    };
    if !call.query.all("check").any(|asked| asked == "all" || asked == name) {
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
    Ok(response.content_type("text/plain; charset=utf-8").body(format!("{name}: {word} ({:?})\n", start.elapsed())))
}
