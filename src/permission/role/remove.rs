//! Removes roles.

use super::Role;
use crate::{
    error::{Error, Result},
    event::Locked,
    permission::holder,
    store::{Filter, Store},
};

/// Removes a role that no user holds; groups and team tokens lose it. Grants go before the role, and again after it for those that were
/// made meanwhile; a role that is made under this name forgets what a crash left.
pub async fn remove(store: &Store, role: &Locked<Role>) -> Result<()> {
    if holder::is_held_by_users(store, &role.name).await? {
        return Err(Error::Precondition("role has users assigned. you must dissociate them before remove the role.".into()));
    }
    holder::forget_role(store, &role.name).await?;
    store.of::<Role>().delete(Filter::id(&role.name)).await?;
    holder::forget_role(store, &role.name).await
}
