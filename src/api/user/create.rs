//! `POST /users`.

use crate::{
    api::{
        Answer, Call, answer,
        record::{New, Recording},
    },
    error::{Error, Result},
    event::{Target, TargetType},
    permission::Context,
    user::{self, create::NewUser},
};

/// Makes a user: anybody may where the settings allow it, otherwise those who hold `user.create` everywhere.
pub async fn create(mut call: Call) -> Answer {
    permit(&call)?;
    let inputs = call.inputs().await?;
    let email = inputs.text("email").to_owned();
    let new = NewUser::new(&email, inputs.text("password").into())?;
    let about =
        New { target: Target::new(TargetType::User, &email), events_permission: user::EVENTS, contexts: vec![Context::user(&email)] };
    let event = call.record_new(Recording::of("user.create").owned_by_user(&email), about).await?;
    let made = user::create::create(&call.ctx.store, new, call.ctx.config.quota).await;
    event.end(made).await?;
    answer::created()
}

fn permit(call: &Call) -> Result<()> {
    let open = call.ctx.config.auth.open_registration;
    if open || call.caller().is_ok_and(|caller| caller.may("user.create", &[])) {
        return Ok(());
    }
    Err(Error::BadCredentials("User registration is disabled for non-admin users.".into()))
}
