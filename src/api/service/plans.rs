//! `GET /services/{name}/plans`

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
    permission::ContextType,
    pool::{
        Constraint, Pool,
        constraint::{Field, Rules},
    },
    service::{
        Service,
        broker::{Broker, Plans},
    },
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PlanView {
    name: String,
    description: String,
}

/// The plans that the broker offers.
pub async fn plans(call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("name")).await?;
    if service.is_restricted {
        call.permit("service.read.plans", &service.user_contexts())?;
    }
    let pool = if service.is_multi_cluster { call.query.get("pool").unwrap_or_default() } else { "" };
    if !service.endpoint.contains_key("production") {
        return answer::json(&[(); 0]);
    }
    match Broker::in_pool(&call.ctx, &service, pool).await?.plans().await? {
        Plans::NeedPool => {
            let pools = usable_pools(&call).await?.into_iter().collect::<Vec<_>>().join(", ");
            Err(Error::invalid(format!("You must provide the pool name, available pools: {pools}")))
        }
        Plans::Listed(plans) => {
            let view = |plans: Vec<_>| plans.into_iter().map(PlanView::from).collect::<Vec<_>>();
            answer::json(&plans.map(view))
        }
    }
}

impl From<crate::service::broker::Plan> for PlanView {
    fn from(plan: crate::service::broker::Plan) -> Self {
        Self { name: plan.name, description: plan.description }
    }
}

/// The pools of the teams whose instances the caller may read.
async fn usable_pools(call: &Call) -> Result<BTreeSet<String>> {
    let teams = call.caller()?.grants.names("service-instance.read", ContextType::Team);
    let mut usable = BTreeSet::new();
    let (pools, constraints) = (call.ctx.store.of::<Pool>().all().await?, call.ctx.store.of::<Constraint>().all().await?);
    for pool in pools.iter() {
        let rules = Rules::of(&pool.name, &constraints);
        if teams.as_ref().is_none_or(|teams| teams.iter().any(|team| rules.allow(Field::Team, team))) {
            usable.insert(pool.name.clone());
        }
    }
    Ok(usable)
}
