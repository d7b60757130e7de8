//! `tsuru.yaml`: hooks, checks, processes.

mod parse;
mod stored;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use self::{
    parse::{Found, MAX_BYTES, NAMES, document, parse, read},
    stored::{from_custom_data, to_custom_data},
};

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
    pub kubernetes: Option<Kubernetes>,
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

impl Healthcheck {
    /// With what holds where nothing is said.
    #[must_use]
    pub fn in_full(mut self) -> Self {
        if self.scheme.is_empty() && self.command.is_empty() {
            self.scheme = "http".into();
        }
        for (seconds, default) in [(&mut self.allowed_failures, 3), (&mut self.interval_seconds, 10), (&mut self.timeout_seconds, 60)] {
            *seconds = if *seconds == 0 { default } else { *seconds };
        }
        self
    }
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
    pub ports: Vec<Port>,
}

/// `kubernetes`: the older way to declare ports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kubernetes {
    /// Group, then process.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, BTreeMap<String, ProcessPorts>>,
}

/// `kubernetes.groups.GROUP.PROCESS`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessPorts {
    /// Ports it serves; an empty list: none. `None`: nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<Port>>,
}

/// One port of a process; what is 0 or empty was not said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Port {
    /// Name of the service port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `TCP` or `UDP`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Port that others use.
    #[serde(skip_serializing_if = "is_zero")]
    pub port: u32,
    /// Port that the process listens on.
    #[serde(skip_serializing_if = "is_zero")]
    pub target_port: u32,
}

impl TsuruYaml {
    /// The ports that a process is given: by `processes`, else by `kubernetes`, where an empty list says that it serves nothing.
    pub fn ports(&self, process: &str) -> Option<&Vec<Port>> {
        self.own_ports(process).next().or_else(|| self.older_ports(process).next())
    }

    /// Refused when a process is given ports twice.
    pub fn check_ports(&self, process: &str) -> Result<()> {
        if self.own_ports(process).count() > 1 || self.older_ports(process).count() > 1 {
            return Err(Error::refused(format!("duplicated process name: {process}")));
        }
        Ok(())
    }

    fn own_ports(&self, process: &str) -> impl Iterator<Item = &Vec<Port>> {
        self.processes.iter().filter(move |p| p.name == process && !p.ports.is_empty()).map(|p| &p.ports)
    }

    fn older_ports(&self, process: &str) -> impl Iterator<Item = &Vec<Port>> {
        let groups = self.kubernetes.iter().flat_map(|kubernetes| kubernetes.groups.values());
        groups.filter_map(move |group| group.get(process)?.ports.as_ref())
    }

    /// The checks of a process: its own when `processes` is there, else the file's for the main process only.
    pub fn checks(&self, process: &str, main: &str) -> (Option<&Healthcheck>, Option<&Startupcheck>) {
        let (health, startup) = if self.processes.is_empty() {
            let is_main = process == main;
            (self.healthcheck.as_ref().filter(|_| is_main), self.startupcheck.as_ref().filter(|_| is_main))
        } else {
            let own = self.processes.iter().find(|p| p.name == process);
            (own.and_then(|p| p.healthcheck.as_ref()), own.and_then(|p| p.startupcheck.as_ref()))
        };
        (health.filter(|h| !h.is_empty()), startup.filter(|s| !s.as_health().is_empty()))
    }
}

impl Healthcheck {
    /// Neither a path nor a command: nothing to check.
    pub fn is_empty(&self) -> bool {
        self.path.is_empty() && self.command.is_empty()
    }

    /// With what was not said filled in. The file's own values are what is stored; these are what is done.
    pub fn with_defaults(&self) -> Self {
        Self {
            path: rooted(&self.path),
            scheme: or_http(&self.scheme),
            allowed_failures: or(self.allowed_failures, 3),
            interval_seconds: or(self.interval_seconds, 10),
            timeout_seconds: or(self.timeout_seconds, 60),
            ..self.clone()
        }
    }
}

impl Startupcheck {
    /// The health check that looks at the same.
    pub fn as_health(&self) -> Healthcheck {
        Healthcheck {
            path: self.path.clone(),
            scheme: self.scheme.clone(),
            headers: self.headers.clone(),
            command: self.command.clone(),
            allowed_failures: self.allowed_failures,
            interval_seconds: self.interval_seconds,
            timeout_seconds: self.timeout_seconds,
            ..Healthcheck::default()
        }
    }
}

fn or(value: u32, default: u32) -> u32 {
    if value == 0 { default } else { value }
}

fn or_http(scheme: &str) -> String {
    if scheme.is_empty() { "http".into() } else { scheme.to_ascii_lowercase() }
}

/// A path to request starts with a slash, said or not.
fn rooted(path: &str) -> String {
    if path.is_empty() || path.starts_with('/') { path.into() } else { format!("/{path}") }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_contract() {
        let done = Healthcheck { path: "up".into(), ..Healthcheck::default() }.with_defaults();
        assert_eq!((done.path.as_str(), done.scheme.as_str()), ("/up", "http"));
        assert_eq!((done.allowed_failures, done.interval_seconds, done.timeout_seconds), (3, 10, 60));
        let said = Startupcheck { scheme: "HTTPS".into(), interval_seconds: 1, ..Startupcheck::default() }.as_health().with_defaults();
        assert_eq!((said.scheme.as_str(), said.interval_seconds, said.timeout_seconds), ("https", 1, 60));
    }

    #[test]
    fn checks_belong_to_the_main_process_unless_processes_have_their_own() {
        let shared = parse("healthcheck: {path: /h}\nstartupcheck: {path: ''}").unwrap();
        assert!(shared.checks("web", "web").0.is_some());
        assert!(shared.checks("web", "web").1.is_none());
        assert!(shared.checks("worker", "web").0.is_none());
        let own = parse("processes: [{name: web}, {name: worker, healthcheck: {path: /w}}]").unwrap();
        assert!(own.checks("web", "web").0.is_none());
        assert_eq!(own.checks("worker", "web").0.unwrap().path, "/w");
    }

    #[test]
    fn ports_of_processes_win_and_an_empty_older_list_says_none() {
        let text = "processes: [{name: web, ports: [{port: 80}]}, {name: api}]\n\
                    kubernetes: {groups: {a: {web: {ports: [{port: 1}]}, api: {ports: [{port: 2}]}, worker: {ports: []}, any: {}}}}";
        let yaml = parse(text).unwrap();
        let found =
            ["web", "api", "worker", "any", "none"].map(|name| yaml.ports(name).map(|ports| ports.iter().map(|p| p.port).collect()));
        assert_eq!(found, [Some(vec![80]), Some(vec![2]), Some(vec![]), None, None]);
        let twice = parse("kubernetes: {groups: {a: {web: {ports: []}}, b: {web: {ports: []}}}}").unwrap();
        assert_eq!(twice.check_ports("web").unwrap_err().to_string(), "duplicated process name: web");
        assert!(yaml.check_ports("web").is_ok());
    }
}
