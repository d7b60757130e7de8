//! Who holds roles: users, groups and team tokens. Grants are moved or dropped here when a role or a context changes its name or goes,
//! so that what is made anew under an old name starts without them.

use std::marker::PhantomData;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::{ContextType, Role, role::RoleInstance};
use crate::{
    auth::{identify::Group, team_token::TeamToken},
    error::{Error, Result},
    store::{Document, Filter, Spec, Store, StoreError, Update, lenient},
    user::User,
};

/// So often a holder that others change at the same time is tried again.
const TRIES: usize = 100;

/// The roles of any document that holds some.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Holder<T> {
    #[serde(rename = "_id")]
    id: ObjectId,
    #[serde(default, deserialize_with = "lenient::or_default")]
    roles: Vec<RoleInstance>,
    #[serde(skip)]
    of: PhantomData<fn() -> T>,
}

impl<T: Document> Document for Holder<T> {
    const SPEC: &'static Spec = T::SPEC;
}

/// True when a user holds the role.
pub async fn is_held_by_users(store: &Store, role: &str) -> Result<bool> {
    Ok(store.of::<User>().count(Filter::eq("roles.name", role)).await? > 0)
}

/// True when a user, a group or a team token holds the role.
pub async fn is_held(store: &Store, role: &str) -> Result<bool> {
    let held = || Filter::eq("roles.name", role);
    Ok(is_held_by_users(store, role).await?
        || store.of::<Group>().count(held()).await? > 0
        || store.of::<TeamToken>().count(held()).await? > 0)
}

/// Nobody holds the role any longer.
pub async fn forget_role(store: &Store, role: &str) -> Result<()> {
    everywhere(store, &Filter::eq("roles.name", role), &|held| (held.name != role).then(|| held.clone())).await
}

/// Whoever held `old` holds `new`, in the same contexts.
pub async fn rename_role(store: &Store, old: &str, new: &str) -> Result<()> {
    let renamed = |held: &RoleInstance| {
        let name = if held.name == old { new } else { &held.name };
        Some(RoleInstance { name: name.into(), context_value: held.context_value.clone() })
    };
    everywhere(store, &Filter::eq("roles.name", old), &renamed).await
}

/// Nobody holds anything in this context any longer. To be called when the thing goes, and before another is made under its name.
pub async fn forget_context(store: &Store, kind: ContextType, value: &str) -> Result<()> {
    let roles = roles_of(store, kind).await?;
    let kept = |held: &RoleInstance| (held.context_value != value || !roles.contains(&held.name)).then(|| held.clone());
    everywhere(store, &Filter::eq("roles.contextvalue", value), &kept).await
}

/// What was held in the context `old` is held in `new`.
pub async fn rename_context(store: &Store, kind: ContextType, old: &str, new: &str) -> Result<()> {
    let roles = roles_of(store, kind).await?;
    let renamed = |held: &RoleInstance| {
        let meant = held.context_value == old && roles.contains(&held.name);
        Some(RoleInstance { name: held.name.clone(), context_value: if meant { new.into() } else { held.context_value.clone() } })
    };
    everywhere(store, &Filter::eq("roles.contextvalue", old), &renamed).await
}

async fn roles_of(store: &Store, kind: ContextType) -> Result<Vec<String>> {
    let roles = store.of::<Role>().find(Filter::eq("contexttype", kind)).await?;
    Ok(roles.into_iter().map(|role| role.name).collect())
}

/// What becomes of a role that is held; `None`: it is held no longer.
type Fate<'a> = &'a (dyn Fn(&RoleInstance) -> Option<RoleInstance> + Sync);

async fn everywhere(store: &Store, which: &Filter, fate: Fate<'_>) -> Result<()> {
    rewrite::<User>(store, which, fate).await?;
    rewrite::<Group>(store, which, fate).await?;
    rewrite::<TeamToken>(store, which, fate).await
}

async fn rewrite<T: Document>(store: &Store, which: &Filter, fate: Fate<'_>) -> Result<()> {
    for _ in 0..TRIES {
        let mut raced = false;
        for holder in store.of::<Holder<T>>().find(which.clone()).await? {
            raced |= !change(store, holder, fate).await?;
        }
        if !raced {
            return Ok(());
        }
    }
    Err(Error::internal(format!("roles in {} change too fast, or cannot be read back", T::SPEC.name)))
}

/// Compare-and-set of all roles of one holder: a grant made at the same time is never lost. False when there was one.
async fn change<T: Document>(store: &Store, holder: Holder<T>, fate: Fate<'_>) -> Result<bool, StoreError> {
    let mut after: Vec<RoleInstance> = Vec::new();
    for role in holder.roles.iter().filter_map(fate) {
        if !after.contains(&role) {
            after.push(role);
        }
    }
    if after == holder.roles {
        return Ok(true);
    }
    let unchanged = Filter::id(holder.id).and(Filter::eq("roles", &holder.roles));
    Ok(store.of::<Holder<T>>().update(unchanged, Update::set("roles", after)).await?.is_some())
}
