//! Changes what a role is: its name everywhere, its type of context, its description.

use super::{Role, change::check_event, create::check_name};
use crate::{
    error::{Error, Result},
    event::Locked,
    permission::{ContextType, holder, scheme},
    store::{Filter, Store, StoreError, Update},
};

/// What shall be changed; empty texts stay as they are.
pub struct Change {
    /// The new name.
    pub name: String,
    /// The new type of context.
    pub context_type: Option<ContextType>,
    /// The new description.
    pub description: String,
}

/// Changes the role. A role that is held keeps its type of context: its grants would come to mean something else.
pub async fn update(store: &Store, role: &mut Locked<Role>, change: &Change) -> Result<()> {
    let context_type = change.context_type.unwrap_or(role.context_type);
    if context_type != role.context_type {
        check_type(store, role, context_type).await?;
    }
    let description = if change.description.is_empty() { role.description.clone() } else { change.description.clone() };
    if change.name.is_empty() || change.name == role.name {
        let name = role.name.clone();
        return role.change(store, name, Update::set("contexttype", context_type).and_set("description", description)).await;
    }
    rename(store, role, Role { name: check_name(&change.name)?.into(), context_type, description, ..Role::clone(role) }).await
}

async fn check_type(store: &Store, role: &Role, wanted: ContextType) -> Result<()> {
    if holder::is_held(store, &role.name).await? {
        return Err(Error::invalid("the context type of a role that is assigned cannot be changed, dissociate it first"));
    }
    for name in role.permissions() {
        if !scheme::contexts(name).contains(&wanted) {
            return Err(Error::invalid(format!("permission {name:?} not allowed with context of type \"{wanted}\"")));
        }
    }
    role.events.iter().try_for_each(|event| check_event(event, wanted))
}

/// The new role is stored first and says what it was: a rename that a crash cut short is finished by the same request, or by the next
/// start. Meanwhile both roles grant the same.
async fn rename(store: &Store, role: &Role, mut heir: Role) -> Result<()> {
    let taken = || Error::invalid("role already exists");
    match store.of::<Role>().get(Filter::id(&heir.name)).await? {
        Some(there) if there.renamed_from.as_deref() == Some(&role.name) => return finish(store, &role.name, &heir.name).await,
        Some(_) => return Err(taken()),
        None => {}
    }
    holder::forget_role(store, &heir.name).await?;
    heir.renamed_from = Some(role.name.clone());
    match store.of::<Role>().insert(&heir).await {
        Err(StoreError::Duplicate(_)) => return Err(taken()),
        other => other?,
    }
    finish(store, &role.name, &heir.name).await
}

/// Finishes all renames that a crash cut short.
pub async fn finish_all(store: &Store) -> Result<()> {
    finish_these(store, store.of::<Role>().find(Filter::exists("renamedfrom")).await?).await
}

/// Finishes renames to these roles that were cut short, so that their old names are free.
pub(super) async fn finish_these(store: &Store, roles: Vec<Role>) -> Result<()> {
    for role in roles {
        if let Some(old) = &role.renamed_from {
            finish(store, old, &role.name).await?;
        }
    }
    Ok(())
}

/// Every step can be repeated. The second pass is for what was granted while this ran.
async fn finish(store: &Store, old: &str, new: &str) -> Result<()> {
    holder::rename_role(store, old, new).await?;
    store.of::<Role>().delete(Filter::id(old)).await?;
    holder::rename_role(store, old, new).await?;
    store.of::<Role>().update(Filter::id(new), Update::unset("renamedfrom")).await?;
    Ok(())
}
