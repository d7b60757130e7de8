//! What clients say about a volume. Options of the plan and the status are the server's, whatever is sent.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::volume::Wish;

/// A volume as sent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeInput {
    /// Name.
    pub name: String,
    /// Pool.
    pub pool: String,
    /// Plan.
    pub plan: PlanInput,
    /// Owner.
    pub team_owner: String,
    /// Options.
    pub opts: BTreeMap<String, String>,
}

/// A plan as sent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PlanInput {
    /// Name.
    pub name: String,
}

impl From<VolumeInput> for Wish {
    fn from(input: VolumeInput) -> Self {
        let VolumeInput { name, pool, plan, team_owner, opts } = input;
        Self { name, pool, plan: plan.name, team_owner, opts }
    }
}
