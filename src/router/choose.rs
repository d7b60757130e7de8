//! The router of a new app.

use super::{NONE, all};
use crate::context::Context;
use crate::{
    error::{Error, Result},
    pool::{
        Pool,
        constraint::{Field, Rules, check_router},
        names,
    },
};

/// The router of a new app in this pool: the one asked for (`None` when that is `none`), else the pool's, else the default one.
pub async fn choose(ctx: &Context, pool: &Pool, asked: Option<&str>) -> Result<Option<String>> {
    let router = match asked.filter(|name| !name.is_empty()) {
        Some(NONE) => return Ok(None),
        Some(name) => known(ctx, name).await?,
        None => preferred(ctx, pool).await?,
    };
    check_router(ctx, pool, &router).await?;
    Ok(Some(router))
}

async fn known(ctx: &Context, name: &str) -> Result<String> {
    let found = all(ctx).await?.into_iter().find(|router| router.name == name);
    found.map(|router| router.name).ok_or_else(|| Error::refused(format!("router {name:?} not found")))
}

async fn preferred(ctx: &Context, pool: &Pool) -> Result<String> {
    let rules = Rules::load(&ctx.store, &pool.name).await?;
    let name = match rules.on(Field::Router).and_then(|constraint| constraint.values.first().map(|first| (constraint, first))) {
        None => None,
        Some((constraint, first)) if constraint.blacklist || first.contains('*') => {
            let allowed = rules.allowed(Field::Router, names::routers(ctx).await?);
            <[String; 1]>::try_from(allowed).ok().map(|[only]| only)
        }
        Some((_, first)) => known(ctx, first).await.ok(),
    };
    match name {
        Some(name) => Ok(name),
        None => default(ctx).await?.ok_or_else(|| Error::refused("No default router found")),
    }
}

async fn default(ctx: &Context) -> Result<Option<String>> {
    let routers = all(ctx).await?;
    let only = (routers.len() == 1).then(|| routers.first()).flatten();
    Ok(only.or_else(|| routers.iter().find(|router| router.default)).map(|router| router.name.clone()))
}
