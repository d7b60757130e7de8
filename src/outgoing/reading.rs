//! What comes back: bodies within a limit, and why there is none.

use reqwest::Response;

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It was cut.
    #[error("{}", reason(.0))]
    Cut(#[from] reqwest::Error),
    /// It is longer than this many bytes.
    #[error("the answer is larger than {} MiB", .0 >> 20)]
    TooLong(usize),
}

/// A body of at most so many bytes.
pub async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause, without the URL, which may be a secret.
pub fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    error.url().map_or(text.clone(), |url| text.replace(&format!(" for url ({url})"), ""))
}
