//! Volumes as clients read them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::volume::{Bind, BindId, Plan, Volume};

/// A volume.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolumeView {
    name: String,
    pool: String,
    plan: PlanView,
    team_owner: String,
    status: String,
    binds: Option<Vec<BindView>>,
    opts: Option<BTreeMap<String, String>>,
}

/// A plan.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PlanView {
    name: String,
    opts: Map<String, Value>,
}

/// A bind.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BindView {
    #[serde(rename = "ID")]
    id: IdView,
    read_only: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IdView {
    app: String,
    mount_point: String,
    volume: String,
}

impl VolumeView {
    /// A volume with its binds.
    pub fn new(volume: Volume, binds: Vec<Bind>) -> Self {
        let Volume { name, pool, plan, team_owner, status, opts } = volume;
        let binds = (!binds.is_empty()).then(|| binds.into_iter().map(BindView::from).collect());
        Self { name, pool, plan: plan.into(), team_owner, status, binds, opts: (!opts.is_empty()).then_some(opts) }
    }
}

impl From<Plan> for PlanView {
    fn from(Plan { name, opts }: Plan) -> Self {
        Self { name, opts }
    }
}

impl From<Bind> for BindView {
    fn from(bind: Bind) -> Self {
        let BindId { app, mount_point, volume } = bind.id;
        Self { id: IdView { app, mount_point, volume }, read_only: bind.read_only }
    }
}
