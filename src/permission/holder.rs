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
    everywhere(store, Change::of_role(role, &|_| None)).await
}

/// Whoever held `old` holds `new`, in the same contexts.
pub async fn rename_role(store: &Store, old: &str, new: &str) -> Result<()> {
    let renamed = |held: &RoleInstance| Some(RoleInstance { name: new.into(), context_value: held.context_value.clone() });
    everywhere(store, Change::of_role(old, &renamed)).await
}

/// Nobody holds anything in this context any longer. To be called when the thing goes, and before another is made under its name.
pub async fn forget_context(store: &Store, kind: ContextType, value: &str) -> Result<()> {
    everywhere(store, Change::of_context(kind, value, &|_| None)).await
}

/// What was held in the context `old` is held in `new`.
pub async fn rename_context(store: &Store, kind: ContextType, old: &str, new: &str) -> Result<()> {
    let renamed = |held: &RoleInstance| Some(RoleInstance { name: held.name.clone(), context_value: new.into() });
    everywhere(store, Change::of_context(kind, old, &renamed)).await
}

/// What becomes of a role that is held; `None`: it is held no longer.
type Fate<'a> = &'a (dyn Fn(&RoleInstance) -> Option<RoleInstance> + Sync);

/// What happens to roles that are held: those of a name, or those in a context.
struct Change<'a> {
    field: &'static str,
    value: &'a str,
    /// Only of roles of this type.
    only: Option<ContextType>,
    fate: Fate<'a>,
}

impl<'a> Change<'a> {
    fn of_role(role: &'a str, fate: Fate<'a>) -> Self {
        Self { field: "roles.name", value: role, only: None, fate }
    }

    fn of_context(kind: ContextType, value: &'a str, fate: Fate<'a>) -> Self {
        Self { field: "roles.contextvalue", value, only: Some(kind), fate }
    }

    /// What is held afterwards; `meant` are the names of roles of the type.
    fn after(&self, held: &[RoleInstance], meant: &[String]) -> Vec<RoleInstance> {
        let is_meant = |role: &RoleInstance| match self.only {
            None => role.name == self.value,
            Some(_) => role.context_value == self.value && meant.contains(&role.name),
        };
        let mut after: Vec<RoleInstance> = Vec::new();
        for role in held.iter().filter_map(|role| if is_meant(role) { (self.fate)(role) } else { Some(role.clone()) }) {
            if !after.contains(&role) {
                after.push(role);
            }
        }
        after
    }
}

async fn everywhere(store: &Store, change: Change<'_>) -> Result<()> {
    let (users, groups, tokens) = (rewrite::<User>(store, &change), rewrite::<Group>(store, &change), rewrite::<TeamToken>(store, &change));
    tokio::try_join!(Box::pin(users), Box::pin(groups), Box::pin(tokens)).map(drop)
}

async fn rewrite<T: Document>(store: &Store, change: &Change<'_>) -> Result<()> {
    for _ in 0..TRIES {
        let holders = store.of::<Holder<T>>().find(Filter::eq(change.field, change.value)).await?;
        let meant = match change.only {
            Some(kind) if !holders.is_empty() => roles_of(store, kind).await?,
            _ => Vec::new(),
        };
        let mut raced = false;
        for holder in holders {
            let after = change.after(&holder.roles, &meant);
            raced |= !replace(store, &holder, after).await?;
        }
        if !raced {
            return Ok(());
        }
    }
    Err(Error::internal(format!("roles in {} change too fast, or cannot be read back", T::SPEC.name)))
}

async fn roles_of(store: &Store, kind: ContextType) -> Result<Vec<String>> {
    let roles = store.of::<Role>().find(Filter::eq("contexttype", kind)).await?;
    Ok(roles.into_iter().map(|role| role.name).collect())
}

/// Compare-and-set of all roles of one holder: a grant made at the same time is never lost. False when there was one.
async fn replace<T: Document>(store: &Store, holder: &Holder<T>, after: Vec<RoleInstance>) -> Result<bool, StoreError> {
    if after == holder.roles {
        return Ok(true);
    }
    let unchanged = Filter::id(holder.id).and(Filter::eq("roles", &holder.roles));
    Ok(store.of::<Holder<T>>().update(unchanged, Update::set("roles", after)).await?.is_some())
}
