//! `POST /roles/associate`, `DELETE /roles/dissociate`: one role for many users, as the ImPaaS manager asks for it.

use serde::Deserialize;

use crate::{
    api::{Answer, Call, answer},
    error::Result,
    permission::{
        Role,
        role::assign::{self, Holder, check_assign, check_use},
    },
    user::User,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    users: Vec<String>,
    context: String,
    role: String,
}

/// Gives all these users the role.
pub async fn associate(mut call: Call) -> Answer {
    call.permit("role.update.assign", &[])?;
    let (wanted, role) = take(&mut call).await?;
    check_assign(&call.ctx, call.caller()?, &role, &wanted.context).await?;
    let role = call.record("role.update.assign", role).await?;
    let mut given = Ok(());
    for user in wanted.users.into_iter().map(Holder::User) {
        given = given.and(assign::assign(&call.ctx, call.caller()?, &role, (&user, &wanted.context)).await);
    }
    role.end(given).await?;
    answer::ok()
}

/// Takes the role from all these users.
pub async fn dissociate(mut call: Call) -> Answer {
    call.permit("role.update.dissociate", &[])?;
    let (wanted, role) = take(&mut call).await?;
    check_use(call.caller()?, &role, &wanted.context)?;
    let role = call.record("role.update.dissociate", role).await?;
    let mut taken = Ok(());
    for user in wanted.users.into_iter().map(Holder::User) {
        taken = taken.and(assign::dissociate(&call.ctx.store, call.caller()?, &role, (&user, &wanted.context)).await);
    }
    role.end(taken).await?;
    answer::ok()
}

/// What is asked for; 404 when the role or one of the users is not there, before anything is changed.
async fn take(call: &mut Call) -> Result<(Wanted, Role)> {
    let wanted: Wanted = call.input().await?;
    for email in &wanted.users {
        User::load(&call.ctx.store, email).await?;
    }
    let role = Role::load(&call.ctx.store, &wanted.role).await?;
    Ok((wanted, role))
}
