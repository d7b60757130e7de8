//! Changes what a role is: its name, its type of context, its description.

use super::{Role, change::check_event, create::check_name, rename::rename};
use crate::{
    error::{Error, Result},
    event::Locked,
    permission::{ContextType, holder, scheme},
    store::{Store, Update},
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
