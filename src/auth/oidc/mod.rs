//! Sign-on with a provider's own tokens: clients fetch them (code and PKCE), this server checks each against the provider's keys.

mod keys;
mod personal_team;

pub use keys::{Endpoints, Keys};
use serde_json::{Map, Value};

use super::{
    admit::{Admitted, admit},
    jwt,
    person::{Person, check_tenant},
};
use crate::{config::sign_on::Oidc, context::Context, error::Result, user::User};

/// The user whose token this is; `None` for a token that must not be believed. An error is why its owner may not come in.
pub async fn identify(ctx: &Context, oidc: &Oidc, token: &str) -> Result<Option<User>> {
    let Some(claims) = claims(ctx, oidc, token).await? else { return Ok(None) };
    let person = Person::read(&oidc.people, &claims)?;
    let Admitted { user, new } = admit(ctx, &person, oidc.groups_in_claims).await?;
    if new && oidc.personal_team {
        return personal_team::create(ctx, user).await.map(Some);
    }
    Ok(Some(user))
}

/// What a token says, checked: signature, issuer, audience, times, the claims of the settings, the tenant.
pub async fn claims(ctx: &Context, oidc: &Oidc, token: &str) -> Result<Option<Map<String, Value>>> {
    if !jwt::looks_like(token) {
        return Ok(None);
    }
    let Some(id) = jwt::key_id(token) else { return Ok(None) };
    let Some(key) = ctx.sign_on.keys.get(&ctx.sign_on.http, oidc, &id).await? else { return Ok(None) };
    let Some(claims) = jwt::check(token, &key, &oidc.issuer, &oidc.audience) else { return Ok(None) };
    let checked_before = ["iss", "aud"];
    let mut wanted = oidc.valid_claims.iter().filter(|(claim, _)| !checked_before.contains(&claim.as_str()));
    if !wanted.all(|(claim, value)| claims.get(claim) == Some(value)) {
        return Ok(None);
    }
    check_tenant(&oidc.people, claims.get("tid").and_then(Value::as_str))?;
    Ok(Some(claims))
}
