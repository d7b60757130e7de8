//! Making, changing and removing pools.

use std::collections::BTreeMap;

use super::{Constraint, Pool, constraint::Field, limit};
use crate::{
    app::App,
    error::{Error, Result},
    event::Locked,
    names::is_common,
    permission::{ContextType, holder},
    store::{Filter, Store, StoreError, Update},
};

/// How pools are said to have apps.
pub const HAS_APPS: &str = "This pool has apps, you need to migrate or remove them before removing the pool";
const BAD_NAME: &str = "Invalid pool name, pool name should have at most 40 characters, containing only lower case letters, numbers or \
                        dashes, starting with a letter.";

/// Makes a pool, public or not. With `force` it takes over from another default pool.
pub async fn add(store: &Store, pool: Pool, public: bool, force: bool) -> Result<()> {
    if !is_common(&pool.name) {
        return Err(Error::invalid(BAD_NAME));
    }
    if store.of::<Pool>().count(Filter::id(&pool.name)).await? > 0 {
        return Err(already());
    }
    if pool.default {
        may_be_default(store, &pool.name, force).await?;
    }
    match store.of::<Pool>().insert(&pool).await {
        Err(StoreError::Duplicate(_)) => return Err(already()),
        other => other?,
    }
    if pool.default {
        only_default(store, &pool.name).await?;
    }
    if public || pool.default {
        limit::set(store, &everybody(&pool.name)).await?;
    }
    Ok(())
}

fn already() -> Error {
    Error::conflict("Pool already exists.")
}

fn everybody(pool: &str) -> limit::Limit {
    limit::Limit { pool_expr: pool.into(), field: Field::Team, values: vec!["*".into()], blacklist: false }
}

/// What changes about a pool; `None`: nothing.
#[derive(Debug, Default)]
pub struct Changes {
    /// Apps without pool land here.
    pub default: Option<bool>,
    /// Every team may use it.
    pub public: Option<bool>,
    /// Takes over from another default pool.
    pub force: bool,
    /// All labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// Changes a pool.
pub async fn update(store: &Store, pool: &mut Locked<Pool>, changes: Changes) -> Result<()> {
    let name = pool.name.clone();
    if changes.default == Some(true) {
        may_be_default(store, &name, changes.force).await?;
    }
    let asked = [changes.public, changes.default];
    if asked.contains(&Some(true)) {
        limit::set(store, &everybody(&name)).await?;
    }
    if asked.contains(&Some(false)) {
        limit::take(store, &name, Field::Team, &["*".to_owned()]).await?;
    }
    let mut update = Update::default();
    if let Some(default) = changes.default {
        update = update.and_set("default", default);
    }
    if let Some(labels) = changes.labels {
        update = update.and_set("labels", labels);
    }
    pool.change(store, &name, update).await?;
    if changes.default == Some(true) {
        only_default(store, &name).await?;
    }
    Ok(())
}

async fn may_be_default(store: &Store, name: &str, force: bool) -> Result<()> {
    let others = Filter::eq("default", true).and(Filter::ne("_id", name));
    if !force && store.of::<Pool>().count(others).await? > 0 {
        return Err(Error::conflict("Default pool already exists."));
    }
    Ok(())
}

async fn only_default(store: &Store, name: &str) -> Result<()> {
    let others = Filter::eq("default", true).and(Filter::ne("_id", name));
    store.of::<Pool>().update_many(others, Update::set("default", false)).await?;
    Ok(())
}

/// 403 when apps are in the pool.
pub async fn check_empty(store: &Store, pool: &str) -> Result<()> {
    let apps = store.of::<App>().count(Filter::eq("pool", pool)).await?;
    if apps > 0 { Err(Error::Forbidden(HAS_APPS.into())) } else { Ok(()) }
}

/// Removes an empty pool, and what was said about it alone: a later pool of its name begins anew.
pub async fn remove(store: &Store, pool: &Locked<Pool>) -> Result<()> {
    check_empty(store, &pool.name).await?;
    holder::forget_context(store, ContextType::Pool, &pool.name).await?;
    store.of::<Pool>().delete(Filter::id(&pool.name)).await?;
    store.of::<Constraint>().delete(Filter::eq("poolexpr", &pool.name)).await?;
    Ok(())
}

/// Gives a pool to teams by name.
pub async fn add_teams(store: &Store, pool: &Locked<Pool>, teams: &[String]) -> Result<()> {
    let constraint = limit::exact(store, &pool.name, Field::Team).await?;
    if constraint.as_ref().is_some_and(|constraint| constraint.blacklist) {
        return Err(Error::refused("Unable to add teams to blacklist constraint"));
    }
    if pool.default || constraint.as_ref().is_some_and(Constraint::allows_all) {
        return Err(Error::refused("Public/Default pool can't have teams."));
    }
    if constraint.is_some_and(|constraint| teams.iter().any(|team| constraint.allows(team))) {
        return Err(Error::refused("Team already exists in pool."));
    }
    limit::append(store, &pool.name, Field::Team, teams).await
}

/// Takes a pool away from teams.
pub async fn remove_teams(store: &Store, pool: &Locked<Pool>, teams: &[String]) -> Result<()> {
    let constraint = limit::exact(store, &pool.name, Field::Team).await?;
    if constraint.is_some_and(|constraint| constraint.blacklist) {
        return Err(Error::refused("Unable to remove teams from blacklist constraint"));
    }
    limit::take(store, &pool.name, Field::Team, teams).await
}
