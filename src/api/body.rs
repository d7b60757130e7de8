//! Bodies: forms and JSON are small and read whole; uploads go to disk as they come.

use actix_web::{dev::Payload, web::Bytes};
use futures_util::StreamExt;

use super::{Call, extract::Values};
use crate::error::{Error, Result};

/// Bytes of a form or JSON body at most.
const MOST: usize = 8 << 20;

/// The whole body.
pub async fn read(payload: &mut Payload) -> Result<Bytes> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|e| Error::invalid(format!("the request's body broke off: {e}")))?;
        if body.len() + chunk.len() > MOST {
            return Err(Error::TooLarge(format!("the request's body is larger than {} MiB", MOST >> 20)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Fields of an urlencoded body. As Go does it, bodies of DELETE and of other types have none.
pub async fn form_fields(call: &mut Call) -> Result<Values> {
    let with_body = matches!(call.request.method().as_str(), "POST" | "PUT" | "PATCH");
    match (with_body, call.media_type().as_str()) {
        (true, "application/x-www-form-urlencoded") => {
            let body = call.body().await?;
            Values::parse(&String::from_utf8_lossy(&body)).map_err(unparsable)
        }
        (true, "multipart/form-data") => multipart_fields(call).await,
        _ => Ok(Values::default()),
    }
}

/// A struct is not read from half of a query.
pub fn query_is_readable(call: &Call) -> Result<()> {
    Values::parse(call.request.query_string()).map(drop).map_err(unparsable)
}

/// Text fields of a multipart body without files.
async fn multipart_fields(call: &mut Call) -> Result<Values> {
    let body = call.body().await?;
    let source = futures_util::stream::once(async move { Ok::<_, actix_web::error::PayloadError>(body) });
    let mut parts = actix_multipart::Multipart::new(call.request.headers(), source);
    let mut values = Values::default();
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(unparsable)?;
        let name = part.name().unwrap_or_default().to_owned();
        let mut text = Vec::new();
        while let Some(chunk) = part.next().await {
            text.extend_from_slice(&chunk.map_err(unparsable)?);
        }
        values.push(name, String::from_utf8_lossy(&text).into_owned());
    }
    Ok(values)
}

fn unparsable(e: impl std::fmt::Display) -> Error {
    Error::invalid(format!("unable to parse form: {e}"))
}
