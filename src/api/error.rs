//! From the domain's error to status and text.

use actix_web::{HttpResponse, http::StatusCode};

use crate::error::Error;

/// The status of an error.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated | Error::BadCredentials(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Precondition(_) => StatusCode::PRECONDITION_FAILED,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::NotYet(_) => StatusCode::NOT_IMPLEMENTED,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Refused(_) | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The text a caller reads. A fault of ours is logged under a number, and only the number is told.
pub fn message(error: &Error) -> String {
    let Error::Internal(detail) = error else { return error.to_string() };
    let id = bson::oid::ObjectId::new().to_hex();
    tracing::error!(id, detail, "internal error");
    format!("internal error, number {id} in the server's log")
}

/// The whole response.
pub fn response(error: &Error) -> HttpResponse {
    let mut response = HttpResponse::build(status(error));
    response.content_type("text/plain; charset=utf-8").insert_header(("X-Content-Type-Options", "nosniff"));
    match error {
        Error::Unauthenticated => {
            response.insert_header(("WWW-Authenticate", "Bearer realm=\"tsuru\" scope=\"tsuru\""));
        }
        Error::Unavailable(_) => {
            response.insert_header(("Retry-After", "2"));
        }
        Error::TooMany(_) => {
            response.insert_header(("Retry-After", "60"));
        }
        _ => {}
    }
    response.body(format!("{}\n", message(error)))
}
