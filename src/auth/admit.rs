//! From a provider's account to a user of this server.

use std::collections::BTreeSet;

use super::person::Person;
use crate::{
    context::Context,
    error::{Error, OrNotFound, Result},
    store::{Filter, Update},
    user::{
        User,
        create::{self, NewUser},
    },
};

/// What is said to a disabled user who proved who they are.
pub const DISABLED: &str = "Disabled user";

/// A user, and whether they came just now.
pub struct Admitted {
    /// Who.
    pub user: User,
    /// Made by this sign-on.
    pub new: bool,
}

/// The user of this account, made where the settings allow it. `groups`: the provider says theirs.
pub async fn admit(ctx: &Context, person: &Person, groups: bool) -> Result<Admitted> {
    let known = known(ctx, person).await?;
    let new = known.is_none();
    let user = match known {
        Some(user) => user,
        None if ctx.config.auth.open_registration => register(ctx, &person.email).await?,
        None => return Err(Error::not_found("user not found")),
    };
    if user.disabled {
        return Err(Error::BadCredentials(DISABLED.into()));
    }
    let user = if groups { with_groups(ctx, user, &person.groups).await? } else { user };
    Ok(Admitted { user, new })
}

/// To a provider an e-mail is the same in any letters; users may be stored as it writes them, or in small ones.
async fn known(ctx: &Context, person: &Person) -> Result<Option<User>> {
    let mut found = ctx.store.of::<User>().find(Filter::any_of("email", [&person.written, &person.email])).await?;
    let at = found.iter().position(|user| user.email == person.written).unwrap_or_default();
    Ok((at < found.len()).then(|| found.swap_remove(at)))
}

async fn register(ctx: &Context, email: &str) -> Result<User> {
    match create::create(&ctx.store, NewUser::signed_on(email)?, ctx.config.quota).await {
        Ok(()) | Err(Error::Conflict(_)) => User::load(&ctx.store, email).await,
        Err(e) => Err(e),
    }
}

async fn with_groups(ctx: &Context, user: User, groups: &[String]) -> Result<User> {
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    if set(&user.groups) == set(groups) {
        return Ok(user);
    }
    let update = if groups.is_empty() { Update::unset("groups") } else { Update::set("groups", groups.to_vec()) };
    ctx.store.of::<User>().update(Filter::id(user.id), update).await?.or_not_found("user not found")
}
