//! Changes what a role grants, and the events that grant it.

use super::Role;
use crate::{
    error::{Error, Result},
    event::Locked,
    permission::{ContextType, scheme},
    store::{Store, Update},
    team, user,
};

/// Permissions of service manifests begin so.
const DYNAMIC: &str = "service-action.";

/// Checks the permissions against the role, then adds all or none. `*` is the root.
pub async fn add_permissions(store: &Store, role: &mut Locked<Role>, names: &[String]) -> Result<()> {
    let dynamic = names.iter().filter(|name| name.starts_with(DYNAMIC)).count();
    if dynamic > 0 && dynamic < names.len() {
        return Err(Error::invalid("cannot mix static and dynamic permissions in one request"));
    }
    names.iter().try_for_each(|name| check(role, name))?;
    let update = names.iter().fold(Update::default(), |update, name| update.and(Update::add_to_set("schemenames", name)));
    if update.is_empty() {
        return Ok(());
    }
    let id = role.name.clone();
    role.change(store, id, update).await
}

fn check(role: &Role, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("invalid permission name"));
    }
    let known = scheme::find(name).ok_or_else(|| Error::invalid(format!("permission named {name:?} not found")))?;
    if scheme::contexts(known).contains(&role.context_type) {
        return Ok(());
    }
    Err(Error::conflict(format!("permission {known:?} not allowed with context of type \"{}\"", role.context_type)))
}

/// Takes a permission away, under either name of the root.
pub async fn remove_permission(store: &Store, role: &mut Locked<Role>, name: &str) -> Result<()> {
    let list = if name.starts_with(DYNAMIC) { "dynamic_scheme_names" } else { "schemenames" };
    let mut update = Update::pull(list, name);
    if name == "*" {
        update = update.and(Update::pull(list, ""));
    }
    let id = role.name.clone();
    role.change(store, id, update).await
}

/// 400 unless roles of this type of context can be granted by the event.
pub fn check_event(event: &str, kind: ContextType) -> Result<()> {
    let wanted = if event == team::create::EVENT { ContextType::Team } else { ContextType::Global };
    if kind == wanted {
        return Ok(());
    }
    Err(Error::invalid(format!("wrong context type for role event, expected \"{wanted}\" role has \"{kind}\"")))
}

/// The events that grant roles.
pub const GRANTING: [&str; 2] = [user::create::EVENT, team::create::EVENT];

/// The events grant the role from now on.
pub async fn add_events(store: &Store, role: &mut Locked<Role>, events: &[&str]) -> Result<()> {
    events.iter().try_for_each(|event| check_event(event, role.context_type))?;
    let update = events.iter().fold(Update::default(), |update, event| update.and(Update::add_to_set("events", event)));
    let id = role.name.clone();
    role.change(store, id, update).await
}

/// The events grant the role no longer.
pub async fn remove_events(store: &Store, role: &mut Locked<Role>, events: &[&str]) -> Result<()> {
    let update = events.iter().fold(Update::default(), |update, event| update.and(Update::pull("events", event)));
    let id = role.name.clone();
    role.change(store, id, update).await
}
