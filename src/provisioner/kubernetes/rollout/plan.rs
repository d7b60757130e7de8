//! What is to be done, from what is wanted and what is there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service, policy::v1::PodDisruptionBudget};
use kube::ResourceExt;

use crate::provisioner::{
    AppState, ProcessState,
    kubernetes::{
        objects::{
            Spot,
            labels::{self, Labels},
        },
        observed,
    },
};

/// Where each `(version, process)` is.
pub type Spots = BTreeMap<(u32, String), Spot>;

/// What one process of one version needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is as it should be.
    Keep,
    /// More units or fewer, of the same kind.
    Scale,
    /// Requests come, or come no more; its units go on.
    Route,
    /// Units made anew.
    Deploy,
}

/// What a process needs. One without a command is one that was read from the cluster: nobody wants it made anew.
pub fn change(process: &ProcessState, spot: &Spot, old: Option<&Deployment>) -> Change {
    let goes_on = |old: &&Deployment| process.command.is_empty() && version(old) == Some(process.version);
    let Some(old) = old.filter(goes_on) else { return Change::Deploy };
    // What scales by itself may have another number by now: that stays.
    if is_routable(old) != spot.routable {
        return Change::Route;
    }
    if replicas(old) == process.units { Change::Keep } else { Change::Scale }
}

/// The version that a deployment runs.
pub fn version(deployment: &Deployment) -> Option<u32> {
    observed::existing(std::slice::from_ref(deployment)).first().map(|existing| existing.version)
}

/// How many units a deployment should have.
pub fn replicas(deployment: &Deployment) -> u32 {
    let said = deployment.spec.as_ref().and_then(|spec| spec.replicas);
    said.map_or(1, |replicas| u32::try_from(replicas).unwrap_or_default())
}

fn is_routable(deployment: &Deployment) -> bool {
    said_routable(deployment) == Some("true")
}

/// What a deployment says of requests to its units.
pub fn said_routable(deployment: &Deployment) -> Option<&str> {
    let pods = deployment.spec.as_ref()?.template.metadata.as_ref()?;
    pods.labels.as_ref()?.get(labels::ROUTABLE).map(String::as_str)
}

/// What of it is not wanted any more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leaving {
    /// Deployments.
    pub deployments: Vec<String>,
    /// Services.
    pub services: Vec<String>,
    /// Disruption budgets.
    pub budgets: Vec<String>,
}

impl Leaving {
    /// Nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is there and belongs to no process of any version that is wanted. What is not of tsuru's making stays.
pub fn leaving(want: &AppState, spots: &Spots, there: &[Deployment], services: &[Service], budgets: &[PodDisruptionBudget]) -> Leaving {
    let names: BTreeSet<&str> = spots.values().map(|spot| spot.name.as_str()).collect();
    let processes: BTreeSet<&str> = want.processes.iter().map(|process| process.name.as_str()).collect();
    let versions: BTreeSet<(&str, u32)> = want.processes.iter().map(|process| (process.name.as_str(), process.version)).collect();
    let service_stays = |service: &Service| {
        let process = said(service.labels(), "app-process");
        match said(service.labels(), "app-version").parse() {
            Ok(version) if version > 0 => versions.contains(&(process, version)),
            _ => processes.contains(process),
        }
    };
    Leaving {
        deployments: there.iter().filter(|one| !names.contains(one.name_any().as_str())).map(ResourceExt::name_any).collect(),
        services: services.iter().filter(|one| !is_of_others(one) && !service_stays(one)).map(ResourceExt::name_any).collect(),
        budgets: budgets.iter().filter(|one| !processes.contains(said(one.labels(), "app-process"))).map(ResourceExt::name_any).collect(),
    }
}

/// A service that a router or somebody else made for the app.
pub fn is_of_others(service: &Service) -> bool {
    ["router-lb", "external-controller"].iter().any(|name| service.labels().contains_key(&labels::own(name)))
}

fn said<'a>(all: &'a Labels, name: &str) -> &'a str {
    all.get(&labels::own(name)).map(String::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(version: u32, units: i32, routable: &str) -> Deployment {
        let labels = json!({"tsuru.io/app-version": version.to_string(), "tsuru.io/app-process": "web", "tsuru.io/is-routable": routable});
        let spec = json!({"replicas": units, "selector": {}, "template": {"metadata": {"labels": labels}}});
        serde_json::from_value(json!({"metadata": {"name": "a-web"}, "spec": spec})).unwrap()
    }

    fn web(units: u32, command: &[&str]) -> ProcessState {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        ProcessState { version: 1, name: "web".into(), units, command, ..ProcessState::default() }
    }

    fn service(name: &str, labels: Value) -> Service {
        serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}})).unwrap()
    }

    #[test]
    fn only_what_has_a_command_is_made_anew() {
        let spot = Spot { name: "a-web".into(), routable: true, ..Spot::default() };
        let changed = |process: &ProcessState, old: &Deployment| change(process, &spot, Some(old));
        assert_eq!(changed(&web(2, &["x"]), &deployment(1, 2, "true")), Change::Deploy);
        assert_eq!(changed(&web(2, &[]), &deployment(1, 2, "true")), Change::Keep);
        assert_eq!(changed(&web(3, &[]), &deployment(1, 2, "true")), Change::Scale);
        assert_eq!(changed(&web(2, &[]), &deployment(1, 2, "false")), Change::Route);
        assert_eq!(changed(&web(2, &[]), &deployment(1, 3, "false")), Change::Route);
        // What is at its place is another version: it does not run.
        assert_eq!(changed(&web(2, &[]), &deployment(7, 2, "true")), Change::Deploy);
        assert_eq!(change(&web(2, &[]), &spot, None), Change::Deploy);
    }

    #[test]
    fn what_belongs_to_nothing_wanted_leaves_and_what_others_made_stays() {
        let want = AppState { processes: vec![web(1, &[])], ..AppState::default() };
        let spots = Spots::from([((1, "web".to_owned()), Spot { name: "a-web".into(), ..Spot::default() })]);
        let other: Deployment = serde_json::from_value(json!({"metadata": {"name": "a-worker"}})).unwrap();
        let of = |process: &str, more: Value| {
            let mut labels = json!({"tsuru.io/app-process": process});
            labels.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            labels
        };
        let services = [
            service("a-web", of("web", json!({}))),
            service("a-web-v1", of("web", json!({"tsuru.io/app-version": "1"}))),
            service("a-web-v2", of("web", json!({"tsuru.io/app-version": "2"}))),
            service("a-worker", of("worker", json!({}))),
            service("a-router-lb", of("worker", json!({"tsuru.io/router-lb": "x"}))),
        ];
        let left = leaving(&want, &spots, &[deployment(1, 1, "true"), other], &services, &[]);
        assert_eq!(left.deployments, ["a-worker"]);
        assert_eq!(left.services, ["a-web-v2", "a-worker"]);
    }
}
