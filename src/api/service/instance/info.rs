//! `GET /services/{service}/instances/{instance}` and its status

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
    event::Subject,
    service::{Instance, Service, broker::Broker},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InfoView {
    apps: Vec<String>,
    jobs: Vec<String>,
    teams: Vec<String>,
    team_owner: String,
    description: String,
    plan_name: String,
    plan_description: String,
    pool: String,
    cluster: String,
    custom_info: BTreeMap<String, String>,
    tags: Vec<String>,
    parameters: Map<String, Value>,
}

/// An instance, and what its broker tells about it.
pub async fn info(call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("service")).await?;
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    call.permit("service-instance.read", &instance.contexts())?;
    let broker = Broker::in_pool(&call.ctx, &service, &instance.pool).await?;
    let custom_info = broker.info(&instance.name).await?;
    let plan = broker.plans().await?.find(&instance.plan).unwrap_or_default();
    answer::json(&InfoView {
        apps: instance.apps,
        jobs: instance.jobs,
        teams: instance.teams,
        team_owner: instance.team_owner,
        description: instance.description,
        plan_name: if plan.name.is_empty() { instance.plan } else { plan.name },
        plan_description: plan.description,
        pool: instance.pool,
        cluster: String::new(),
        custom_info,
        tags: instance.tags,
        parameters: instance.parameters,
    })
}

/// Whether an instance is up, in a sentence.
pub async fn status(call: Call) -> Answer {
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    call.permit("service-instance.read.status", &instance.contexts())?;
    let status = asked(&call, &instance).await;
    let status = status.map_err(|e| Error::refused(format!("Could not retrieve status of service instance, error: {e}")))?;
    answer::text(format!("Service instance \"{}\" is {status}", instance.name))
}

async fn asked(call: &Call, instance: &Instance) -> Result<String> {
    let service = Service::load(&call.ctx.store, &instance.service_name).await?;
    Ok(Broker::in_pool(&call.ctx, &service, &instance.pool).await?.status(&instance.name).await?)
}
