//! The router of a new app.

use super::{NONE, all};
use crate::{
    error::{Error, Result},
    pool::{
        Pool,
        constraint::{Field, Rules, check_router},
        names,
    },
    store::Store,
};

/// The router of a new app in this pool: the one asked for (`None` when that is `none`), else the pool's, else the default one.
pub async fn choose(store: &Store, pool: &Pool, asked: Option<&str>) -> Result<Option<String>> {
    let router = match asked.filter(|name| !name.is_empty()) {
        Some(NONE) => return Ok(None),
        Some(name) => known(name)?,
        None => preferred(store, pool).await?,
    };
    check_router(store, pool, &router).await?;
    Ok(Some(router))
}

fn known(name: &str) -> Result<String> {
    let found = all().into_iter().find(|router| router.name == name);
    found.map(|router| router.name).ok_or_else(|| Error::refused(format!("router {name:?} not found")))
}

async fn preferred(store: &Store, pool: &Pool) -> Result<String> {
    let rules = Rules::load(store, &pool.name).await?;
    let name = match rules.on(Field::Router).and_then(|constraint| constraint.values.first().map(|first| (constraint, first))) {
        None => None,
        Some((constraint, first)) if constraint.blacklist || first.contains('*') => {
            let allowed = rules.allowed(Field::Router, names::routers());
            <[String; 1]>::try_from(allowed).ok().map(|[only]| only)
        }
        Some((_, first)) => known(first).ok(),
    };
    name.or_else(default).ok_or_else(|| Error::refused("No default router found"))
}

fn default() -> Option<String> {
    let routers = all();
    let only = (routers.len() == 1).then(|| routers.first()).flatten();
    only.or_else(|| routers.iter().find(|router| router.default)).map(|router| router.name.clone())
}
