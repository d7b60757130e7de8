//! Makes, changes, removes webhooks.

use super::{Delivery, Webhook, check};
use crate::{
    error::{Error, Result},
    event::Locked,
    store::{Filter, Store, StoreError, Update, exact},
};

/// 400 for what would be refused.
pub async fn check(store: &Store, hook: &Webhook) -> Result<()> {
    check::name(&hook.name)?;
    check::webhook(store, hook).await
}

/// 409 when the name is taken.
pub async fn create(store: &Store, _lock: &Locked<()>, hook: &Webhook) -> Result<()> {
    match store.of::<Webhook>().insert(hook).await {
        Ok(()) => Ok(()),
        Err(StoreError::Duplicate(_)) => Err(Error::conflict("webhook already exists with the same name")),
        Err(other) => Err(other.into()),
    }
}

/// Puts another one in its place; name and identity stay.
pub async fn replace(store: &Store, old: &Locked<Webhook>, hook: &Webhook) -> Result<()> {
    check::webhook(store, hook).await?;
    let fields = exact::document(hook)?.into_iter().filter(|(key, _)| key != "_id" && key != "name");
    let update = fields.fold(Update::default(), |update, (key, value)| update.and_set(key, value));
    let changed = store.of::<Webhook>().update(Filter::id(old.id), update).await?;
    changed.map(drop).ok_or_else(|| Error::not_found("webhook not found"))
}

/// Removes it; what it has not been told yet, it will not be.
pub async fn remove(store: &Store, hook: &Locked<Webhook>) -> Result<()> {
    store.of::<Webhook>().delete(Filter::id(hook.id)).await?;
    store.of::<Delivery>().delete(Filter::eq("hook", hook.id)).await?;
    Ok(())
}

/// Removes the webhooks of a team that goes.
pub async fn forget_team(store: &Store, team: &str) -> Result<()> {
    store.of::<Webhook>().delete(Filter::eq("teamowner", team)).await?;
    Ok(())
}
