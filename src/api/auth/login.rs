//! `POST /users/{email}/tokens`, `POST /auth/login`.

use serde_json::json;

use crate::{
    api::{Answer, Call, answer},
    auth::login::{Attempt, native},
};

/// E-mail and password for a token.
pub async fn login(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let email = inputs.get("email").unwrap_or_else(|| call.var("email")).to_owned();
    let attempt = Attempt { email, password: inputs.get("password").unwrap_or_default().into(), address: call.address() };
    let token = native(&call.ctx.store, &call.ctx.throttle, attempt, call.ctx.config.auth.session_days).await?;
    answer::json(&json!({ "token": token.expose() }))
}
