//! The names of everything that constraints speak of.

use serde::{Deserialize, Serialize};

use super::Pool;
use crate::{
    context::Context,
    error::Result,
    plan, router,
    store::{Document, Filter, Find, Spec, Store},
    team::Team,
};

/// All teams, in the order they were made.
pub async fn teams(store: &Store) -> Result<Vec<String>> {
    Ok(store.of::<Team>().all().await?.iter().map(|team| team.name.clone()).collect())
}

/// All plans, by name.
pub async fn plans(store: &Store) -> Result<Vec<String>> {
    Ok(plan::all(store).await?.into_iter().map(|plan| plan.name).collect())
}

/// The routers that can reach apps of this pool, by name.
pub async fn routers_of(ctx: &Context, pool: &Pool) -> Result<Vec<String>> {
    Ok(router::names_of(ctx, pool, &router::all(ctx).await?))
}

/// A service, as far as pools care.
#[derive(Serialize, Deserialize)]
struct ServiceName {
    #[serde(rename = "_id")]
    name: String,
}

impl Document for ServiceName {
    const SPEC: &'static Spec = &Spec { name: "services", indexes: &[], sealed: &[] };
}

/// All services, by name.
pub async fn services(store: &Store) -> Result<Vec<String>> {
    let by_name = Find { sort: Some(("_id", false)), ..Find::default() };
    Ok(store.of::<ServiceName>().recent(Filter::All, by_name).await?.iter().map(|service| service.name.clone()).collect())
}
