//! What only a cluster wants to know of apps, processes and jobs. Units of a single machine are the same whatever is in here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::build::tsuru_yaml::{Kubernetes, Port};

/// Of an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppPlace {
    /// The team that owns it.
    pub team: String,
    /// Where it runs.
    pub pool: PoolPlace,
    /// Its tags, `key` or `key=value`.
    pub tags: Vec<String>,
    /// Annotations of the whole app.
    pub annotations: BTreeMap<String, String>,
    /// The volumes that its processes mount.
    pub volumes: Vec<VolumePlace>,
    /// Conditions that its units wait for, as its routers want.
    pub readiness_gates: Vec<String>,
}

/// Of a build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildPlace {
    /// The team that owns the app.
    pub team: String,
    /// Its pool.
    pub pool: String,
    /// The tag that the image gets beside its version's; empty: `latest`.
    pub tag: String,
    /// What sources are built upon.
    pub base: Base,
}

/// The image that sources are built upon.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// This one, which was deployed last.
    Image(String),
    /// The platform's, which has these names; none: it was never built and is taken by its plain name.
    Platform(Vec<String>),
}

impl Default for Base {
    fn default() -> Self {
        Self::Platform(Vec::new())
    }
}

/// Of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolPlace {
    /// Its name.
    pub name: String,
    /// Which nodes its units want, as YAML of Kubernetes' `Affinity`: the pool's label `affinity`.
    pub affinity: Option<String>,
}

/// Of a volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumePlace {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// The name of its plan.
    pub plan: String,
    /// The team that owns it.
    pub team: String,
    /// What its plan says: `plugin` or `storage-class`, `capacity`, `access-modes`.
    pub plan_opts: Map<String, Value>,
    /// What it says itself.
    pub opts: BTreeMap<String, String>,
    /// All apps that it is bound to.
    pub apps: BTreeSet<String>,
}

/// Of a process of a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodPlace {
    /// The image it runs from.
    pub image: String,
    /// Ports that `tsuru.yaml` gives it; an empty list: it serves nothing. `None`: those the image exposes.
    pub ports: Option<Vec<Port>>,
    /// Ports the image exposes: `8080/tcp`.
    pub exposed: Vec<String>,
    /// `kubernetes` of the version's `tsuru.yaml`.
    pub groups: Option<Kubernetes>,
    /// Variables that everybody may see; all others are kept as secrets.
    pub public: BTreeSet<String>,
    /// Labels that users set on the app and on this process.
    pub labels: BTreeMap<String, String>,
    /// Annotations that users set on the app and on this process.
    pub annotations: BTreeMap<String, String>,
    /// How far above its share of CPU it may go; 0: not said.
    pub cpu_burst: f64,
    /// How its containers are run; empty: as usual.
    pub runtime_class: String,
    /// It is the one that requests go to: `web`, or the first by name.
    pub main: bool,
}

impl PodPlace {
    /// Nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobPlace {
    /// The team that owns it.
    pub team: String,
    /// Its pool.
    pub pool: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Labels that users set.
    pub labels: BTreeMap<String, String>,
    /// Annotations that users set.
    pub annotations: BTreeMap<String, String>,
    /// Names of its variables in the order they were set.
    pub order: Vec<String>,
    /// Variables that everybody may see.
    pub public: BTreeSet<String>,
    /// The schedule as written, also of a job that only runs when somebody says so.
    pub schedule: String,
    /// Runs at the same time.
    pub parallelism: Option<i32>,
    /// Runs that must end well.
    pub completions: Option<i32>,
    /// So often a failing command is started again, when that was said.
    pub backoff_limit: Option<i32>,
    /// How far above its share of CPU it may go; 0: not said.
    pub cpu_burst: f64,
}

impl JobPlace {
    /// Nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
