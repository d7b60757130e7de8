//! `GET /info`.

use serde_json::json;

use crate::api::{Answer, Call, answer};

/// The version.
pub async fn info(_: Call) -> Answer {
    answer::json(&json!({ "version": format!("1.23.1 (ImPaaS {})", env!("CARGO_PKG_VERSION")) }))
}
