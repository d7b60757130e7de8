//! `GET /pools`.

use super::view::PoolView;
use crate::{
    api::{Answer, Call, answer},
    auth::Caller,
    error::Result,
    permission::ContextType,
    pool::{
        Pool,
        info::{Known, usable},
    },
    store::Store,
};

/// The pools a caller may use or look at.
pub async fn list(call: Call) -> Answer {
    let store = &call.ctx.store;
    let pools = seen(store, call.caller()?).await?;
    let volume_plans = call.ctx.config.volume_plans.keys().cloned().collect();
    let known = Known::load(&call.ctx, volume_plans).await?;
    let views: Vec<PoolView> = pools.into_iter().map(|pool| known.info(pool).into()).collect();
    answer::json_list(&views)
}

/// All for those who may create apps or read pools anywhere; else what their teams may use, and what they may read by name.
async fn seen(store: &Store, caller: &Caller) -> Result<Vec<Pool>> {
    let names = |permission, kind| caller.grants.names(permission, kind);
    let (Some(mut teams), Some(mut named)) = (names("app.create", ContextType::Team), names("pool.read", ContextType::Pool)) else {
        return Ok(store.of::<Pool>().all().await?.to_vec());
    };
    teams.extend(names("pool.read", ContextType::Team).unwrap_or_default());
    named.extend(names("app.create", ContextType::Pool).unwrap_or_default());
    let mut pools = usable(store, &teams).await?;
    named.retain(|name| pools.iter().all(|pool| pool.name != *name));
    pools.extend(store.of::<Pool>().all().await?.iter().filter(|pool| named.contains(&pool.name)).cloned());
    Ok(pools)
}
