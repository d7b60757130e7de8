//! `GET /openapi.json`: these routes as an OpenAPI document, made from the route table. What a route takes and answers is in
//! `operations.csv`, the shapes of answers in `schemas.json`; tests hold both to the contract and to real answers.

mod document;
mod operation;

use std::sync::LazyLock;

use actix_web::{HttpResponse, web::Bytes};

use super::{Answer, Call, routes};

pub use document::document;

/// It never changes while the server runs.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document(&routes::table()).to_string().into());

/// The document.
pub async fn show(_: Call) -> Answer {
    Ok(HttpResponse::Ok().content_type("application/json").body(DOCUMENT.clone()))
}
