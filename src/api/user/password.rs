//! `PUT /users/password`, `POST /users/{email}/password`.

use bson::Bson;

use crate::{
    api::{Answer, Call, answer, record::Recording},
    auth::CallerKind,
    error::{Error, Result},
    user::{
        User,
        password::{self, Change, WRONG},
    },
};

/// The caller's new password.
pub async fn change(mut call: Call) -> Answer {
    managed(&call)?;
    let inputs = call.inputs().await?;
    let secret = |name| inputs.text(name).into();
    let wanted = Change {
        old: secret("old"),
        new: secret("new"),
        confirm: secret("confirm"),
        token: call.token().unwrap_or_default().into(),
        address: call.address(),
    };
    let caller = call.caller()?;
    if caller.kind != CallerKind::User {
        return Err(Error::Forbidden(WRONG.into()));
    }
    let user = User::load(&call.ctx.store, &caller.email).await?;
    let user = call.record(Recording::of("user.update.password").with_data(Bson::Null), user).await?;
    let changed = password::change(&call.ctx.store, &call.ctx.throttle, &user, wanted).await;
    user.end(changed).await?;
    answer::ok()
}

/// A new password by mail: this server sends none, and tells so to everybody alike, for users that are there and for others.
pub async fn reset(call: Call) -> Answer {
    managed(&call)?;
    Err(Error::invalid("Passwords cannot be reset by e-mail: this server has no mail server. Please ask an administrator."))
}

/// 400 where people sign on without passwords.
fn managed(call: &Call) -> Result<()> {
    let managed = call.ctx.config.auth.has_passwords();
    managed.then_some(()).ok_or_else(|| Error::invalid("Authentication scheme does not allow this operation."))
}
