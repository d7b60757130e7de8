//! Sign-on with a provider's code: the client brings it, this server exchanges it and asks whose it is.

use serde_json::{Map, Value};

use super::{
    admit::{Admitted, admit},
    jwt,
    person::{Person, check_tenant},
    provider::Reply,
    session,
};
use crate::{
    config::sign_on::OAuth,
    context::Context,
    error::{Error, Result},
    secret::Secret,
};

const NO_TOKEN: &str = "Couldn't convert code to access token.";
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 24 * 3600 * SECOND;

/// One try to sign on.
#[derive(Debug)]
pub struct Attempt {
    /// What the provider gave the client.
    pub code: Option<String>,
    /// Where the client waited for it.
    pub redirect_url: Option<String>,
    /// From where.
    pub address: String,
}

/// Exchanges the code and opens a session of this server. The provider's token is forgotten; the session lives no longer than it.
pub async fn login(ctx: &Context, oauth: &OAuth, attempt: Attempt) -> Result<Secret> {
    let code = attempt.code.ok_or_else(|| Error::invalid("You must provide code to login"))?;
    let redirect = attempt.redirect_url.ok_or_else(|| Error::invalid("You must provide the used redirect url to login"))?;
    ctx.throttle.begin("", &attempt.address)?;
    let (Admitted { user, .. }, seconds) = exchange(ctx, oauth, (&code, &redirect)).await?;
    ctx.throttle.succeeded("", &attempt.address);
    let days = ctx.config.auth.session_days.saturating_mul(DAY);
    let lifetime = seconds.map_or(days, |seconds| seconds.saturating_mul(SECOND).min(days));
    session::open_for(&ctx.store, &user.email, lifetime).await
}

async fn exchange(ctx: &Context, oauth: &OAuth, (code, redirect): (&str, &str)) -> Result<(Admitted, Option<i64>)> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("client_id", &oauth.client_id),
        ("client_secret", oauth.client_secret.expose()),
    ];
    let granted = ctx.sign_on.http.post(&oauth.token_url, &form).await?;
    let token = granted.text("access_token");
    if granted.status != 200 || token.is_empty() {
        // The provider's reason is for the operator: it may be the client's secret that is wrong.
        tracing::info!(error = granted.text("error"), status = granted.status, "the provider refused a code");
        return Err(Error::Forbidden(NO_TOKEN.into()));
    }
    let claims = claims(ctx, oauth, token).await?;
    let person = Person::read(&oauth.people, &claims)?;
    check_tenant(&oauth.people, tenant(&granted).as_deref())?;
    Ok((admit(ctx, &person, true).await?, lifetime(&granted)))
}

/// What the provider says of the token's owner; 403 when it does not know the token.
pub async fn claims(ctx: &Context, oauth: &OAuth, token: &str) -> Result<Map<String, Value>> {
    let reply = ctx.sign_on.http.get(&oauth.info_url, Some(token)).await?;
    if reply.status != 200 {
        tracing::info!(status = reply.status, "the provider does not say whose a token is");
        return Err(Error::Forbidden("The sign-on provider does not know this token.".into()));
    }
    Ok(reply.fields)
}

/// The tenant in the tokens of an answer. Both are the provider's word: one it handed over itself, the other it has just accepted.
fn tenant(granted: &Reply) -> Option<String> {
    ["id_token", "access_token"].iter().find_map(|token| Some(jwt::read_unchecked(granted.text(token))?.get("tid")?.as_str()?.to_owned()))
}

fn lifetime(granted: &Reply) -> Option<i64> {
    let said = granted.fields.get("expires_in")?;
    said.as_i64().or_else(|| said.as_str()?.parse().ok()).filter(|seconds| *seconds > 0)
}
