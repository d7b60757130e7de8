//! What a pool allows, for all pools at once.

use std::sync::Arc;

use super::{
    Constraint, Pool,
    constraint::{Field, Rules},
    names,
};
use crate::{
    context::Context,
    error::Result,
    router::{self, Router},
    store::Store,
};

/// A pool and the names it allows.
#[derive(Debug)]
pub struct Info {
    /// The pool.
    pub pool: Pool,
    /// Every team may use it.
    pub public: bool,
    /// Teams.
    pub teams: Vec<String>,
    /// Routers.
    pub routers: Vec<String>,
    /// Services.
    pub services: Vec<String>,
    /// Plans.
    pub plans: Vec<String>,
    /// Volume plans.
    pub volume_plans: Vec<String>,
}

/// Everything that infos are made of.
pub struct Known<'a> {
    ctx: &'a Context,
    constraints: Arc<Vec<Constraint>>,
    teams: Vec<String>,
    services: Vec<String>,
    plans: Vec<String>,
    volume_plans: Vec<String>,
    routers: Vec<Router>,
}

impl<'a> Known<'a> {
    /// As it is now. Volume plans come from the settings.
    pub async fn load(ctx: &'a Context, volume_plans: Vec<String>) -> Result<Self> {
        let store = &ctx.store;
        Ok(Self {
            ctx,
            routers: router::all(ctx).await?,
            constraints: store.of::<Constraint>().all().await?,
            teams: names::teams(store).await?,
            services: names::services(store).await?,
            plans: names::plans(store).await?,
            volume_plans,
        })
    }

    /// What this pool allows.
    pub fn info(&self, pool: Pool) -> Info {
        let rules = Rules::of(&pool.name, &self.constraints);
        let own = |c: &&Constraint| c.pool_expr == pool.name && c.field == Field::Team.to_string();
        Info {
            public: self.constraints.iter().find(own).is_some_and(Constraint::allows_all),
            teams: rules.allowed(Field::Team, self.teams.clone()),
            routers: rules.allowed(Field::Router, router::names_of(self.ctx, &pool, &self.routers)),
            services: rules.allowed(Field::Service, self.services.clone()),
            plans: rules.allowed(Field::Plan, self.plans.clone()),
            volume_plans: rules.allowed(Field::VolumePlan, self.volume_plans.clone()),
            pool,
        }
    }
}

/// The pools that one of these teams may use: those with a team constraint that lets it pass.
pub async fn usable(store: &Store, teams: &[String]) -> Result<Vec<Pool>> {
    let (constraints, pools) = (store.of::<Constraint>().all().await?, store.of::<Pool>().all().await?);
    let may_use = |pool: &&Pool| {
        let rules = Rules::of(&pool.name, &constraints);
        rules.on(Field::Team).is_some_and(|constraint| teams.iter().any(|team| constraint.allows(team)))
    };
    Ok(pools.iter().filter(may_use).cloned().collect())
}
