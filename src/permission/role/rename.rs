//! Gives a role a new name everywhere.

use super::Role;
use crate::{
    error::{Error, Result},
    permission::holder,
    store::{Filter, Store, StoreError, Update},
};

/// The new role is stored first and says what it was: a rename that a crash cut short is finished by the same request, or by the next
/// start. Meanwhile both roles grant the same.
pub(super) async fn rename(store: &Store, role: &Role, mut heir: Role) -> Result<()> {
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
