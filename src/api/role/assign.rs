//! `POST` and `DELETE /roles/{name}/user`, `/token`, `/group`.

use actix_web::HttpResponse;

use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
    permission::{
        Role,
        role::assign::{self, Holder, check_assign, check_use},
    },
    user::User,
};

/// Gives a user the role.
pub async fn user(call: Call) -> Answer {
    give(call, "email", Holder::User).await
}

/// Gives a team token the role.
pub async fn token(call: Call) -> Answer {
    give(call, "token_id", Holder::Token).await
}

/// Gives everybody in a group the role.
pub async fn group(call: Call) -> Answer {
    give(call, "group_name", Holder::Group).await
}

/// Takes the role from a user.
pub async fn not_user(call: Call) -> Answer {
    take(call, "email", Holder::User).await
}

/// Takes the role from a team token.
pub async fn not_token(call: Call) -> Answer {
    take(call, "token_id", Holder::Token).await
}

/// Takes the role from a group.
pub async fn not_group(call: Call) -> Answer {
    take(call, "group_name", Holder::Group).await
}

async fn give(mut call: Call, field: &str, holder: fn(String) -> Holder) -> Answer {
    call.permit("role.update.assign", &[])?;
    let inputs = call.inputs().await?;
    let (to, value) = (holder(inputs.text(field).into()), inputs.text("context"));
    known(&call, &to).await?;
    let role = Role::load(&call.ctx.store, call.var("name")).await?;
    check_assign(&call.ctx, call.caller()?, &role, value).await?;
    let role = call.record("role.update.assign", role).await?;
    let given = assign::assign(&call.ctx, call.caller()?, &role, (&to, value)).await;
    done(role.end(given).await)
}

async fn take(mut call: Call, var: &str, holder: fn(String) -> Holder) -> Answer {
    call.permit("role.update.dissociate", &[])?;
    let inputs = call.inputs().await?;
    let (from, value) = (holder(call.var(var).into()), inputs.text("context"));
    known(&call, &from).await?;
    let role = Role::load(&call.ctx.store, call.var("name")).await?;
    check_use(call.caller()?, &role, value)?;
    let role = call.record("role.update.dissociate", role).await?;
    let taken = assign::dissociate(&call.ctx.store, call.caller()?, &role, (&from, value)).await;
    done(role.end(taken).await)
}

/// The user must be there before the role is looked at; tokens are looked for last.
async fn known(call: &Call, holder: &Holder) -> Result<()> {
    let Holder::User(email) = holder else { return Ok(()) };
    match User::load(&call.ctx.store, email).await {
        Err(Error::NotFound(_)) => Err(assign::missing(holder)),
        loaded => loaded.map(drop),
    }
}

/// A token that is not there is answered without words.
fn done(outcome: Result<()>) -> Answer {
    match outcome {
        Ok(()) => answer::ok(),
        Err(Error::NotFound(text)) if text.is_empty() => Ok(HttpResponse::NotFound().finish()),
        Err(e) => Err(e),
    }
}
