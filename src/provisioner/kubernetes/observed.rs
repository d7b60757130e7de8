//! What runs, read back from the cluster: also of apps that tsuru's server deployed.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;

use super::objects::{
    labels::{self, Labels},
    spot::Existing,
};
use crate::{
    build::processes::main_process,
    provisioner::{AppState, ProcessState},
};

/// A deployment and what it says of itself.
struct Seen {
    existing: Existing,
    units: u32,
    routable: bool,
    restarted: i64,
}

/// Where the deployments of an app stand.
pub fn existing(deployments: &[Deployment]) -> Vec<Existing> {
    deployments.iter().filter_map(seen).map(|seen| seen.existing).collect()
}

/// What runs of an app: versions, processes, how many, and whether requests go to them. Everything else is the app's documents' to say.
pub fn state(app: &str, deployments: &[Deployment]) -> AppState {
    let all: Vec<Seen> = deployments.iter().filter_map(seen).collect();
    let mut names: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for seen in &all {
        names.entry(seen.existing.version).or_default().push(&seen.existing.process);
    }
    let main = |version: u32| names.get(&version).and_then(|names| main_process(names.iter().copied()));
    let process = |seen: &Seen| ProcessState {
        version: seen.existing.version,
        name: seen.existing.process.clone(),
        units: seen.units,
        restarted: seen.restarted,
        routable: seen.routable && main(seen.existing.version) == Some(&seen.existing.process),
        ..ProcessState::default()
    };
    let mut processes: Vec<ProcessState> = all.iter().map(process).collect();
    processes.sort_by(|a, b| (a.version, &a.name).cmp(&(b.version, &b.name)));
    AppState { app: app.into(), processes, ..AppState::default() }
}

fn seen(deployment: &Deployment) -> Option<Seen> {
    let spec = deployment.spec.as_ref()?;
    let pods = spec.template.metadata.as_ref()?;
    let none = Labels::new();
    let selector = spec.selector.match_labels.as_ref().unwrap_or(&none);
    let name = deployment.metadata.name.as_deref()?;
    let existing = Existing::read(name, pods.labels.as_ref().unwrap_or(&none), pods.annotations.as_ref(), selector)?;
    let say = |name: &str| labels::lookup(pods.labels.as_ref(), pods.annotations.as_ref(), name);
    Some(Seen {
        existing,
        units: spec.replicas.and_then(|units| u32::try_from(units).ok()).unwrap_or(1),
        routable: say("is-routable") == Some("true"),
        restarted: say("restarts").and_then(|restarts| restarts.parse().ok()).unwrap_or_default(),
    })
}
