//! Pools as clients see them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::pool::info::Info;

/// A pool. A list without names is null.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PoolView {
    name: String,
    default: bool,
    provisioner: String,
    labels: BTreeMap<String, String>,
    #[serde(rename = "public")]
    public: bool,
    #[serde(rename = "teams")]
    teams: Names,
    #[serde(rename = "allowed")]
    allowed: Allowed,
}

type Names = Option<Vec<String>>;

#[derive(Serialize)]
struct Allowed {
    plan: Names,
    router: Names,
    service: Names,
    team: Names,
    #[serde(rename = "volume-plan")]
    volume_plan: Names,
}

fn names(list: Vec<String>) -> Names {
    (!list.is_empty()).then_some(list)
}

impl From<Info> for PoolView {
    fn from(info: Info) -> Self {
        let allowed = Allowed {
            plan: names(info.plans),
            router: names(info.routers),
            service: names(info.services),
            team: names(info.teams.clone()),
            volume_plan: names(info.volume_plans),
        };
        let (pool, teams) = (info.pool, names(info.teams));
        Self {
            name: pool.name,
            default: pool.default,
            provisioner: pool.provisioner,
            labels: pool.labels,
            public: info.public,
            teams,
            allowed,
        }
    }
}
