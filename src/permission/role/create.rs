//! Makes roles.

use super::{Role, rename};
use crate::{
    error::{Error, Result},
    permission::{ContextType, holder},
    store::{Filter, Store, StoreError},
};

/// Names that the routes about many grants at once have taken.
const TAKEN: [&str; 2] = ["associate", "dissociate"];

/// A role without permissions, not stored yet; 400 for a name that will not do.
pub fn new(name: &str, context_type: ContextType, description: &str) -> Result<Role> {
    let name = check_name(name)?;
    Ok(Role {
        name: name.into(),
        context_type,
        description: description.into(),
        scheme_names: Vec::new(),
        dynamic_scheme_names: Vec::new(),
        events: Vec::new(),
        renamed_from: None,
    })
}

/// The name without blanks around it.
pub fn check_name(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || TAKEN.contains(&name) {
        return Err(Error::invalid("invalid role name"));
    }
    Ok(name)
}

/// Stores a new role under its event's lock. Who held an earlier role of this name does not hold the new one.
pub async fn create(store: &Store, role: &Role) -> Result<()> {
    let taken = || Error::conflict("role already exists");
    let in_the_way = Filter::Or(vec![Filter::id(&role.name), Filter::eq("renamedfrom", &role.name)]);
    let found = store.of::<Role>().find(in_the_way).await?;
    if found.iter().any(|known| known.name == role.name) {
        return Err(taken());
    }
    rename::finish_these(store, found).await?;
    holder::forget_role(store, &role.name).await?;
    match store.of::<Role>().insert(role).await {
        Err(StoreError::Duplicate(_)) => Err(taken()),
        other => Ok(other?),
    }
}
