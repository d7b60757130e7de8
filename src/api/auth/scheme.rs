//! `GET /auth/scheme`, `GET /auth/schemes`.

use serde_json::{Value, json};

use crate::api::{Answer, Call, answer};

fn native() -> Value {
    json!({ "name": "native", "default": true, "data": {} })
}

/// The scheme clients use when they do not choose.
pub async fn default(_: Call) -> Answer {
    answer::json(&native())
}

/// All schemes.
pub async fn all(_: Call) -> Answer {
    answer::json(&[native()])
}
