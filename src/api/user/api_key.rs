//! `GET /users/api-key`, `POST /users/api-key`.

use super::remove::asked;
use crate::{
    api::{Answer, Call, answer},
    permission::Context,
    user::{User, api_key},
};

/// The key of a user (the caller, when none is named), made when there is none.
pub async fn show(call: Call) -> Answer {
    let email = asked(&call)?;
    call.permit("apikey.read", &[Context::user(&email)])?;
    let user = User::load(&call.ctx.store, &email).await?;
    let key = api_key::show(&call.ctx.store, &user).await?;
    answer::json(&key.expose())
}

/// A new key for a user.
pub async fn regenerate(mut call: Call) -> Answer {
    let email = asked(&call)?;
    call.permit("apikey.update", &[Context::user(&email)])?;
    let user = User::load(&call.ctx.store, &email).await?;
    let user = call.record("apikey.update", user).await?;
    let made = api_key::regenerate(&call.ctx.store, &user).await;
    let key = user.end(made).await?;
    answer::json(&key.expose())
}
