//! API keys: made when they are first looked at, sealed, found by their digest.

use crate::{
    auth::token,
    error::{OrNotFound, Result},
    secret::Secret,
    store::{Filter, Store, Update},
    user::User,
};

/// The user's key; the first look makes it. Of two first looks at once, both see the same key.
pub async fn show(store: &Store, user: &User) -> Result<Secret> {
    if !user.api_key.is_empty() {
        return Ok(user.api_key.clone());
    }
    // The empty text is not sealed. tsuru's oldest users have no such field.
    let none = Filter::id(user.id).and(Filter::Or(vec![Filter::eq("apikey", ""), Filter::missing("apikey")]));
    let made = store.of::<User>().update(none, fresh()).await?;
    match made {
        Some(user) => Ok(user.api_key),
        None => Ok(User::load(store, &user.email).await?.api_key),
    }
}

/// A new key; the old one works no longer.
pub async fn regenerate(store: &Store, user: &User) -> Result<Secret> {
    let changed = store.of::<User>().update(Filter::id(user.id), fresh()).await?.or_not_found("user not found")?;
    Ok(changed.api_key)
}

/// Finds the user: by the key's digest, or by the key where tsuru's server shall find it too.
pub fn found_by(store: &Store, clear: &str) -> Filter {
    if store.is_shared() { Filter::eq("apikey", clear) } else { Filter::eq("apikeyhash", token::digest(clear)) }
}

fn fresh() -> Update {
    let key = token::generate();
    Update::set("apikey", key.expose()).and_set("apikeyhash", token::digest(key.expose()))
}
