//! Plans as clients see them, also in apps.

use serde::{Deserialize, Serialize};

use crate::plan::{CpuBurst, Plan, PlanOverride, StoredPlan};

/// A plan.
#[derive(Debug, Serialize)]
pub struct PlanView {
    name: String,
    memory: i64,
    cpumilli: i64,
    #[serde(rename = "cpuBurst", skip_serializing_if = "Option::is_none")]
    cpu_burst: Option<Burst>,
    #[serde(rename = "runtimeClassName", skip_serializing_if = "String::is_empty")]
    runtime_class: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    overridden: Option<Override>,
}

/// Burst factors, as they come and go.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Burst {
    default: f64,
    #[serde(rename = "maxAllowed")]
    max_allowed: f64,
}

#[derive(Debug, Serialize)]
struct Override {
    memory: Option<i64>,
    cpumilli: Option<i64>,
    #[serde(rename = "cpuBurst")]
    cpu_burst: Option<f64>,
    #[serde(rename = "runtimeClassName", skip_serializing_if = "Option::is_none")]
    runtime_class: Option<String>,
}

impl From<CpuBurst> for Burst {
    fn from(burst: CpuBurst) -> Self {
        Self { default: burst.default, max_allowed: burst.max_allowed }
    }
}

impl From<Burst> for CpuBurst {
    fn from(burst: Burst) -> Self {
        Self { default: burst.default, max_allowed: burst.max_allowed }
    }
}

impl From<PlanOverride> for Override {
    fn from(own: PlanOverride) -> Self {
        Self { memory: own.memory, cpumilli: own.cpu_milli, cpu_burst: own.cpu_burst, runtime_class: own.runtime_class }
    }
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        Self {
            name: plan.name,
            memory: plan.memory,
            cpumilli: plan.cpu_milli,
            cpu_burst: plan.cpu_burst.map(Burst::from),
            runtime_class: plan.runtime_class,
            default: plan.default,
            overridden: plan.overridden.map(Override::from),
        }
    }
}

impl From<StoredPlan> for PlanView {
    fn from(plan: StoredPlan) -> Self {
        Plan::from(plan).into()
    }
}
