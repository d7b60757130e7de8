//! Plans: how much CPU and memory a unit gets.

pub mod change;
mod choose;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    store::{Document, Filter, Find, Spec, Store, lenient},
};

pub use choose::{choose, preferred};

/// A plan, as stored and as copied into apps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Name. In the plans' own collection it is the `_id`: see [`StoredPlan`].
    pub name: String,
    /// Bytes; 0: no limit.
    #[serde(deserialize_with = "lenient::int")]
    pub memory: i64,
    /// Thousandths of a core; 0: no limit.
    #[serde(rename = "cpumilli", deserialize_with = "lenient::int")]
    pub cpu_milli: i64,
    /// How far above its share it may go.
    #[serde(rename = "cpuburst")]
    pub cpu_burst: Option<CpuBurst>,
    /// Runtime class on Kubernetes.
    #[serde(rename = "runtimeclassname", deserialize_with = "lenient::or_default")]
    pub runtime_class: String,
    /// Apps without plan get it.
    pub default: bool,
    /// An app's own numbers.
    #[serde(rename = "override")]
    pub overridden: Option<PlanOverride>,
}

impl Plan {
    /// How far above its share of CPU a unit may go, the override included; 0: not said.
    pub fn burst(&self) -> f64 {
        let own = self.overridden.as_ref().and_then(|own| own.cpu_burst);
        own.or_else(|| self.cpu_burst.as_ref().map(|burst| burst.default)).unwrap_or_default()
    }

    /// Its runtime class, the override included; empty: none.
    pub fn runtime(&self) -> &str {
        let own = self.overridden.as_ref().and_then(|own| own.runtime_class.as_deref());
        own.unwrap_or(&self.runtime_class)
    }
}

/// Burst factors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuBurst {
    /// Factor of apps that do not choose.
    pub default: f64,
    /// Highest factor an app may choose.
    #[serde(rename = "maxallowed")]
    pub max_allowed: f64,
}

/// An app's own numbers; `None`: the plan's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanOverride {
    /// Bytes.
    pub memory: Option<i64>,
    /// Thousandths of a core.
    #[serde(rename = "cpumilli")]
    pub cpu_milli: Option<i64>,
    /// Burst factor.
    #[serde(rename = "cpuburst")]
    pub cpu_burst: Option<f64>,
    /// Runtime class.
    #[serde(rename = "runtimeclassname")]
    pub runtime_class: Option<String>,
}

/// A plan in the plans' own collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredPlan {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Bytes; 0: no limit.
    #[serde(default, deserialize_with = "lenient::int")]
    pub memory: i64,
    /// Thousandths of a core; 0: no limit.
    #[serde(default, rename = "cpumilli", deserialize_with = "lenient::int")]
    pub cpu_milli: i64,
    /// How far above its share it may go.
    #[serde(default, rename = "cpuburst")]
    pub cpu_burst: Option<CpuBurst>,
    /// Runtime class on Kubernetes.
    #[serde(default, rename = "runtimeclassname", deserialize_with = "lenient::or_default")]
    pub runtime_class: String,
    /// Apps without plan get it.
    #[serde(default)]
    pub default: bool,
}

impl Document for StoredPlan {
    const SPEC: &'static Spec = &Spec { name: "plans", indexes: &[], sealed: &[] };
}

impl From<StoredPlan> for Plan {
    fn from(stored: StoredPlan) -> Self {
        Self {
            name: stored.name,
            memory: stored.memory,
            cpu_milli: stored.cpu_milli,
            cpu_burst: stored.cpu_burst,
            runtime_class: stored.runtime_class,
            default: stored.default,
            overridden: None,
        }
    }
}

/// All plans, by name.
pub async fn all(store: &Store) -> Result<Vec<Plan>> {
    let by_name = Find { sort: Some(("_id", false)), ..Find::default() };
    Ok(store.of::<StoredPlan>().recent(Filter::All, by_name).await?.iter().cloned().map(Plan::from).collect())
}

/// The plan of this name; refused with tsuru's text.
pub async fn find(store: &Store, name: &str) -> Result<Plan> {
    all(store).await?.into_iter().find(|plan| plan.name == name).ok_or_else(|| Error::refused("plan not found"))
}
