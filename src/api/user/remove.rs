//! `DELETE /users`.

use crate::{
    api::{Answer, Call, answer},
    error::Result,
    permission::Context,
    user::{self, User},
};

/// Removes a user: the one asked for, or the caller.
pub async fn remove(mut call: Call) -> Answer {
    let email = asked(&call)?;
    call.permit("user.delete", &[Context::user(&email)])?;
    let user = User::load(&call.ctx.store, &email).await?;
    let user = call.record("user.delete", user).await?;
    let removed = user::remove::remove(&call.ctx.store, &user).await;
    user.end(removed).await?;
    answer::ok()
}

/// The user of the query (`user`; `email`, as the Go client has it), else the caller.
pub(super) fn asked(call: &Call) -> Result<String> {
    let named = ["user", "email"].iter().filter_map(|name| call.query.get(name)).find(|email| !email.is_empty());
    match named {
        Some(email) => Ok(email.to_owned()),
        None => Ok(call.caller()?.email.clone()),
    }
}
