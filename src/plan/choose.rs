//! The plan of a new app.

use super::{Plan, all, find};
use crate::{
    error::{Error, Result},
    pool::{
        Pool,
        constraint::{Field, Rules, check_plan},
        names,
    },
    store::Store,
};

/// The plan of a new app in this pool: the one asked for, else the first that the pool's constraint allows, else the default one.
pub async fn choose(store: &Store, pool: &Pool, asked: Option<&str>) -> Result<Plan> {
    let plan = match asked.filter(|name| !name.is_empty()) {
        Some(name) => find(store, name).await?,
        None => preferred(store, pool).await?,
    };
    check_plan(store, pool, &plan.name).await?;
    Ok(plan)
}

/// The plan of what says none: the first that the pool's constraint allows, else the default one.
pub async fn preferred(store: &Store, pool: &Pool) -> Result<Plan> {
    let rules = Rules::load(store, &pool.name).await?;
    let constraint = rules.on(Field::Plan).filter(|constraint| !constraint.values.is_empty());
    let name = match constraint {
        None => None,
        Some(open) if open.blacklist || open.values.first().is_some_and(|value| value.contains('*')) => {
            rules.allowed(Field::Plan, names::plans(store).await?).into_iter().next()
        }
        Some(list) => list.values.first().cloned(),
    };
    match name {
        Some(name) => match all(store).await?.into_iter().find(|plan| plan.name == name) {
            Some(plan) => Ok(plan),
            None => default(store).await,
        },
        None => default(store).await,
    }
}

async fn default(store: &Store) -> Result<Plan> {
    let mut found: Vec<Plan> = all(store).await?.into_iter().filter(|plan| plan.default).collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Error::refused("more than one default plan found")),
        (None, _) => Err(Error::refused("default plan not found")),
    }
}
