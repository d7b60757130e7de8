//! Gives roles and takes them.

use super::{Role, RoleInstance, place};
use crate::{
    auth::{Caller, identify::Group, team_token::TeamToken},
    context::Context as Server,
    error::{Error, Result},
    event::Locked,
    permission::Context,
    store::{Document, Filter, Store, Update},
    user::User,
};

/// Who gets or loses a role.
#[derive(Clone, Debug)]
pub enum Holder {
    /// A user, by e-mail.
    User(String),
    /// A team token, by id.
    Token(String),
    /// A group of the sign-on provider.
    Group(String),
}

/// 403 unless the caller holds every permission of the role in this context.
pub fn check_use(caller: &Caller, role: &Role, value: &str) -> Result<()> {
    let context = Context::new(role.context_type, value);
    let mut names: Vec<&str> = role.permissions().chain(role.dynamic_scheme_names.iter().map(String::as_str)).collect();
    names.sort_unstable();
    let Some(lacking) = names.into_iter().find(|name| !caller.may(name, std::slice::from_ref(&context))) else { return Ok(()) };
    let value = if value.is_empty() { String::new() } else { format!(" {value}") };
    Err(Error::Forbidden(format!("User not authorized to use permission {lacking}({}{value})", role.context_type)))
}

/// What a caller must fulfil to give the role in this context.
pub async fn check_assign(ctx: &Server, caller: &Caller, role: &Role, value: &str) -> Result<()> {
    place::check(ctx, role.context_type, value).await?;
    check_use(caller, role, value)
}

/// Gives the role; it is checked again, for under the lock it may be another than the one that was looked at.
pub async fn assign(ctx: &Server, caller: &Caller, role: &Locked<Role>, grant: (&Holder, &str)) -> Result<()> {
    let (to, value) = grant;
    check_assign(ctx, caller, role, value).await?;
    let update = Update::add_to_set("roles", RoleInstance { name: role.name.clone(), context_value: value.into() });
    match to {
        Holder::Group(name) if name.is_empty() => Err(Error::refused("group name cannot be empty")),
        Holder::Group(name) => Ok(ctx.store.of::<Group>().upsert(Filter::eq("name", name), update).await.map(drop)?),
        other => change(&ctx.store, other, update).await,
    }
}

/// Takes the role.
pub async fn dissociate(store: &Store, caller: &Caller, role: &Locked<Role>, grant: (&Holder, &str)) -> Result<()> {
    let (from, value) = grant;
    check_use(caller, role, value)?;
    let update = Update::pull("roles", RoleInstance { name: role.name.clone(), context_value: value.into() });
    change(store, from, update).await
}

async fn change(store: &Store, holder: &Holder, update: Update) -> Result<()> {
    let found = match holder {
        Holder::User(email) => there::<User>(store, Filter::eq("email", email), update).await?,
        Holder::Token(id) => there::<TeamToken>(store, Filter::eq("token_id", id), update).await?,
        Holder::Group(name) => there::<Group>(store, Filter::eq("name", name), update).await?,
    };
    // A group that nothing was given to holds nothing: taking from it is done already.
    if found || matches!(holder, Holder::Group(_)) { Ok(()) } else { Err(missing(holder)) }
}

async fn there<T: Document>(store: &Store, who: Filter, update: Update) -> Result<bool> {
    Ok(store.of::<T>().update(who, update).await?.is_some())
}

/// The error when the holder is not there.
pub fn missing(holder: &Holder) -> Error {
    match holder {
        Holder::User(_) => Error::refused("user not found"),
        Holder::Token(_) | Holder::Group(_) => Error::not_found(""),
    }
}
