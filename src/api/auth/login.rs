//! `POST /users/{email}/tokens`, `POST /auth/login`.

use actix_web::{HttpResponse, http::StatusCode};
use serde_json::json;

use crate::{
    api::{Answer, Call, answer, extract::Inputs},
    auth::{
        login::{self, native},
        oauth,
    },
    config::sign_on::{OAuth, Scheme},
    error::Result,
    secret::Secret,
};

/// E-mail and password, or a provider's code, for a token. What is sent says which, where both are possible.
pub async fn login(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let token = match way(&call.ctx.config.auth.schemes, &inputs) {
        Some(Way::Password) => call.ctx.metrics.logins.counted("native", by_password(&call, &inputs)).await?,
        Some(Way::Code(oauth)) => call.ctx.metrics.logins.counted("oauth", by_code(&call, oauth, &inputs)).await?,
        None => return Ok(HttpResponse::NotImplemented().finish()),
    };
    answer::untyped_json(StatusCode::OK, &json!({ "token": token.expose() }))
}

enum Way<'a> {
    Password,
    Code(&'a OAuth),
}

fn way<'a>(schemes: &'a [Scheme], inputs: &Inputs) -> Option<Way<'a>> {
    let ways = || {
        schemes.iter().filter_map(|scheme| match scheme {
            Scheme::Native => Some(Way::Password),
            Scheme::OAuth(oauth) => Some(Way::Code(oauth)),
            Scheme::Oidc(_) => None,
        })
    };
    let sent = |way: &Way<'_>| match way {
        Way::Password => inputs.get("password").is_some(),
        Way::Code(_) => inputs.get("code").is_some(),
    };
    ways().find(sent).or_else(|| ways().next())
}

async fn by_password(call: &Call, inputs: &Inputs) -> Result<Secret> {
    let of_path = Some(call.var("email")).filter(|email| !email.is_empty());
    let email = inputs.get("email").or(of_path).map(str::to_owned);
    let attempt = login::Attempt { email, password: inputs.get("password").unwrap_or_default().into(), address: call.address() };
    native(&call.ctx.store, &call.ctx.throttle, attempt, call.ctx.config.auth.session_days).await
}

async fn by_code(call: &Call, settings: &OAuth, inputs: &Inputs) -> Result<Secret> {
    let text = |name| inputs.get(name).map(str::to_owned);
    let attempt = oauth::Attempt { code: text("code"), redirect_url: text("redirectUrl"), address: call.address() };
    oauth::login(&call.ctx, settings, attempt).await
}
