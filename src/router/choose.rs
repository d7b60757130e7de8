//! The router of a new app.

use super::{INGRESS, LOCAL, NONE, Router, all};
use crate::{
    cluster,
    context::Context,
    error::{Error, Result},
    pool::{
        Pool,
        constraint::{Field, Rules, check_router},
        names,
    },
    provisioner::registry,
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

/// Those of these routers that can reach apps of this pool: `local` leads to this machine only, ingresses are objects of a cluster.
fn fitting<'a>(ctx: &Context, pool: &Pool, routers: &'a [Router]) -> impl Iterator<Item = &'a Router> {
    let elsewhere = if cluster::know::named(ctx, pool) == registry::LOCAL { INGRESS } else { LOCAL };
    routers.iter().filter(move |router| router.kind != elsewhere)
}

/// Their names.
pub fn names_of(ctx: &Context, pool: &Pool, routers: &[Router]) -> Vec<String> {
    fitting(ctx, pool, routers).map(|router| router.name.clone()).collect()
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
            let allowed = rules.allowed(Field::Router, names::routers_of(ctx, pool).await?);
            <[String; 1]>::try_from(allowed).ok().map(|[only]| only)
        }
        Some((_, first)) => known(ctx, first).await.ok(),
    };
    match name {
        Some(name) => Ok(name),
        None => default(ctx, pool).await?.ok_or_else(|| Error::refused("No default router found")),
    }
}

async fn default(ctx: &Context, pool: &Pool) -> Result<Option<String>> {
    let all = all(ctx).await?;
    let routers: Vec<&Router> = fitting(ctx, pool, &all).collect();
    let only = (routers.len() == 1).then(|| routers.first()).flatten();
    Ok(only.or_else(|| routers.iter().find(|router| router.default)).map(|router| router.name.clone()))
}
