//! `GET /users/{email}/quota`, `PUT /users/{email}/quota`.

use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
    permission::Context,
    quota,
    store::Filter,
    user::User,
};

/// How many apps and jobs the user may have, and has.
pub async fn show(call: Call) -> Answer {
    let email = call.var("email");
    call.permit("user.read.quota", &[Context::user(email)])?;
    let user = User::load(&call.ctx.store, email).await?;
    answer::json(&user.quota)
}

/// A new limit. Users may not raise their own: the permission must be held everywhere.
pub async fn change(mut call: Call) -> Answer {
    call.permit("user.update.quota", &[])?;
    let user = User::load(&call.ctx.store, call.var("email")).await?;
    let limit = limit(&mut call).await?;
    let user = call.record("user.update.quota", user).await?;
    let changed = quota::set_limit::<User>(&call.ctx.store, Filter::id(user.id), limit).await;
    user.end(changed).await?;
    answer::ok()
}

/// The new limit as it was asked for.
pub async fn limit(call: &mut Call) -> Result<i64> {
    let inputs = call.inputs().await?;
    inputs.get("limit").and_then(|text| text.parse().ok()).ok_or_else(|| Error::invalid("Invalid limit"))
}
