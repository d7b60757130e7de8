//! The few forms of answers.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::Bytes,
};
use serde::Serialize;

use super::pieces::Pieces;
use crate::error::{Error, Result};

/// What handlers give back.
pub type Answer = Result<HttpResponse>;

/// 200 without a body.
pub fn ok() -> Answer {
    Ok(HttpResponse::Ok().finish())
}

/// 201 without a body.
pub fn created() -> Answer {
    Ok(HttpResponse::Created().finish())
}

/// 204.
pub fn no_content() -> Answer {
    Ok(HttpResponse::NoContent().finish())
}

/// 200 and JSON, with the newline that Go's encoder writes.
pub fn json(value: &impl Serialize) -> Answer {
    json_with(StatusCode::OK, value)
}

/// JSON with this status.
pub fn json_with(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut body = serde_json::to_vec(value).map_err(Error::internal)?;
    body.push(b'\n');
    Ok(HttpResponse::build(status).content_type("application/json").body(body))
}

/// The JSON of a list, with the newline that Go's encoder writes; nothing for an empty one.
pub fn list_bytes<T: Serialize>(list: &[T]) -> Result<Bytes> {
    if list.is_empty() {
        return Ok(Bytes::new());
    }
    let mut body = serde_json::to_vec(list).map_err(Error::internal)?;
    body.push(b'\n');
    Ok(body.into())
}

/// 200 and JSON that was written before, or 204 when it is empty.
pub fn json_bytes(body: Bytes) -> Answer {
    if body.is_empty() { no_content() } else { Ok(HttpResponse::Ok().content_type("application/json").body(Pieces(body))) }
}

/// JSON that tsuru sends without saying so: clients see it as text.
pub fn untyped_json(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut response = json_with(status, value)?;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

/// 201 and JSON without a newline, as tsuru tells of an app or job that it made.
pub fn made(value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(Error::internal)?;
    Ok(HttpResponse::Created().content_type("application/json").body(body))
}

/// 200 and a JSON list, or 204 when it is empty.
pub fn json_list<T: Serialize>(list: &[T]) -> Answer {
    if list.is_empty() { no_content() } else { json(&list) }
}

/// 200 and plain text.
pub fn text(text: impl Into<String>) -> Answer {
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text.into()))
}
