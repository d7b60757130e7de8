//! `tsuru.yaml`: hooks, checks, processes. See the contract, section 15.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TsuruYaml {
    /// Commands at build and restart.
    pub hooks: Option<Hooks>,
    /// Readiness of the main process.
    pub healthcheck: Option<Healthcheck>,
    /// Patience at start of the main process.
    pub startupcheck: Option<Startupcheck>,
    /// Processes; they override the Procfile's.
    pub processes: Vec<Process>,
    /// Ports per group and process on Kubernetes.
    pub kubernetes: Option<serde_json::Value>,
}

/// `hooks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hooks {
    /// Around a unit's start.
    pub restart: RestartHooks,
    /// Once, in the build.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<String>,
}

/// `hooks.restart`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartHooks {
    /// Before a unit starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// After it is ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// `healthcheck`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// Request path; empty: the port only.
    pub path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Extra request headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A command instead of a request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Failures in a row that count; 0: 3.
    #[serde(skip_serializing_if = "is_zero")]
    pub allowed_failures: u32,
    /// Seconds between checks; 0: 10.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval_seconds: u32,
    /// Seconds for an answer; 0: 60.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout_seconds: u32,
    /// Seconds for a deploy to become healthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub deploy_timeout_seconds: u32,
    /// Restart units that stay unhealthy.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force_restart: bool,
}

/// `startupcheck`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Startupcheck {
    /// Request path.
    pub path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Extra request headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A command instead of a request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Failures in a row that count.
    #[serde(skip_serializing_if = "is_zero")]
    pub allowed_failures: u32,
    /// Seconds between checks.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval_seconds: u32,
    /// Seconds for an answer.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout_seconds: u32,
}

/// One of `processes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Name.
    pub name: String,
    /// Shell line.
    pub command: String,
    /// Readiness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Patience at start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startupcheck: Option<Startupcheck>,
    /// Ports it serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<serde_json::Value>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}
