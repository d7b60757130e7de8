//! Services and instances as clients read them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::service::Instance;

/// A service in lists, with its instances.
#[derive(Serialize)]
pub struct ServiceView {
    /// Service.
    pub service: String,
    /// Names.
    pub instances: Option<Vec<String>>,
    /// Plans.
    pub plans: Option<Vec<String>>,
    /// Instances.
    pub service_instances: Option<Vec<InstanceView>>,
}

/// An instance in lists.
#[derive(Default, Serialize)]
pub struct InstanceView {
    name: String,
    service_name: String,
    plan_name: String,
    apps: Option<Vec<String>>,
    jobs: Option<Vec<String>>,
    teams: Option<Vec<String>>,
    team_owner: String,
    description: String,
    tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    parameters: Map<String, Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pool: String,
}

impl InstanceView {
    /// Only what those who run the service see: name and tags.
    pub fn outside(instance: Instance) -> Self {
        Self { name: instance.name, service_name: instance.service_name, tags: Some(instance.tags), ..Self::default() }
    }
}

impl From<Instance> for InstanceView {
    fn from(instance: Instance) -> Self {
        Self {
            name: instance.name,
            service_name: instance.service_name,
            plan_name: instance.plan,
            apps: Some(instance.apps),
            jobs: Some(instance.jobs),
            teams: Some(instance.teams),
            team_owner: instance.team_owner,
            description: instance.description,
            tags: Some(instance.tags),
            parameters: instance.parameters,
            pool: instance.pool,
        }
    }
}

/// An instance as `service info` lists it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InstanceWithInfo {
    name: String,
    pool: String,
    teams: Vec<String>,
    plan_name: String,
    apps: Vec<String>,
    jobs: Vec<String>,
    service_name: String,
    info: Option<BTreeMap<String, String>>,
    team_owner: String,
}

impl InstanceWithInfo {
    /// An instance and what its broker tells about it, unless it failed.
    pub fn new(instance: Instance, info: Option<BTreeMap<String, String>>) -> Self {
        Self {
            name: instance.name,
            pool: instance.pool,
            teams: instance.teams,
            plan_name: instance.plan,
            apps: instance.apps,
            jobs: instance.jobs,
            service_name: instance.service_name,
            info,
            team_owner: instance.team_owner,
        }
    }
}
