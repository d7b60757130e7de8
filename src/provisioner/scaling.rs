//! How many units a process has by its load and the clock.

/// What was asked for one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaling {
    /// The process.
    pub process: String,
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
