//! How many units a process has by its load and the clock.

use async_trait::async_trait;

use super::AppState;
use crate::error::Result;

/// Lets processes have as many units as they need, and keeps what was asked for.
#[async_trait]
pub trait Scaler: Send + Sync {
    /// What was asked for the processes of an app.
    async fn scalings(&self, app: &str) -> Result<Vec<Scaling>>;
    /// The same as it is known at this moment: what is shown, and never a reason to wait.
    fn scalings_seen(&self, app: &str) -> Vec<Scaling>;
    /// Scales a process of a version of this app by itself.
    async fn scale(&self, app: &AppState, scaling: &Scaling) -> Result<()>;
    /// Leaves the number of units of a process to people again.
    async fn unscale(&self, app: &str, process: &str) -> Result<()>;
    /// What each process should be given, where somebody recommends such things.
    fn advice(&self, app: &str) -> Vec<Advice>;
}

/// What a process should be given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// The process.
    pub process: String,
    /// By kind; none yet: nobody knows enough of it.
    pub recommendations: Vec<Recommendation>,
}

/// Resources, as amounts of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// `target`, `uncappedTarget`, `lowerBound`, `upperBound`.
    pub kind: String,
    /// CPU.
    pub cpu: String,
    /// Memory.
    pub memory: String,
}

/// What a unit uses, as amounts of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitUsage {
    /// The unit.
    pub unit: String,
    /// CPU.
    pub cpu: String,
    /// Memory.
    pub memory: String,
}

/// What was asked for one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaling {
    /// The process.
    pub process: String,
    /// The version that it is about; 0: not said.
    pub version: u32,
    /// Units at least.
    pub min: u32,
    /// Units at most.
    pub max: u32,
    /// By CPU.
    pub cpu: Option<CpuLoad>,
    /// By the clock.
    pub schedules: Vec<Scaled>,
    /// By numbers of Prometheus.
    pub prometheus: Vec<Measured>,
    /// Seconds that the load must be low before units leave.
    pub stabilization: Option<i32>,
    /// Percent of units that leave at a time.
    pub percent: Option<i32>,
    /// Units that leave at a time.
    pub units: Option<i32>,
}

/// The load of CPU that each unit should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuLoad {
    /// Of the CPU that its plan gives it.
    Percent(i32),
    /// Thousandths of a core, where its plan has no limit.
    Milli(i64),
}

/// Units at some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaled {
    /// Its name.
    pub name: String,
    /// Units at least.
    pub units: i64,
    /// From, as in a crontab.
    pub start: String,
    /// To.
    pub end: String,
    /// Time zone; empty: UTC.
    pub timezone: String,
}

/// Units by a number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// What Prometheus is asked.
    pub query: String,
    /// What one unit can bear.
    pub threshold: f64,
    /// Below it nothing is wanted.
    pub activation: f64,
    /// Who is asked; empty: the cluster's own.
    pub address: String,
}

impl Scaling {
    /// More than the load of CPU counts: a cluster needs KEDA for it.
    pub fn needs_keda(&self) -> bool {
        !self.schedules.is_empty() || !self.prometheus.is_empty()
    }
}
