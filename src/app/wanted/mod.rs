//! What should run: computed from what was last wanted, the app and its versions. Pure; nothing here changes anything.

pub mod past;
pub mod place;

use std::collections::BTreeMap;

use super::{
    App,
    rollout::Which,
    version::{AppVersions, Version},
};
use crate::{
    build::processes::main_process,
    error::{Error, Result},
    plan::Plan,
    provisioner::{AppPlace, AppState, Mount, ProcessState},
    secret::Secret,
};

/// What a deploy does with versions that run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// The one that runs is replaced.
    Replaced,
    /// They stay; the new one gets no requests until it is made routable.
    Kept,
}

/// Everything new units are made from.
pub struct Recipe<'a> {
    /// The app.
    pub app: &'a App,
    /// Its versions.
    pub versions: &'a AppVersions,
    /// Its environment.
    pub env: &'a BTreeMap<String, Secret>,
    /// Plans of single processes.
    pub plans: &'a BTreeMap<String, Plan>,
    /// Its volumes.
    pub mounts: &'a [Mount],
    /// What a cluster wants to know of it.
    pub place: &'a AppPlace,
}

impl Recipe<'_> {
    /// The app's state with these processes.
    pub fn state(&self, mut processes: Vec<ProcessState>) -> AppState {
        processes.sort_by(|a, b| (a.version, &a.name).cmp(&(b.version, &b.name)));
        processes.iter_mut().for_each(|process| self.describe(process));
        let App { name, platform, cname, .. } = self.app;
        AppState { app: name.clone(), platform: platform.clone(), cnames: cname.clone(), processes, place: self.place.clone() }
    }

    /// Of a process that goes on as it runs, where it is read from a cluster, only its place is said: services are made from it.
    fn describe(&self, process: &mut ProcessState) {
        if let Some(version) = self.versions.number(process.version).filter(|_| process.command.is_empty()) {
            process.pod = place::of_process(self.app, version, &process.name, self.plan(&process.name));
        }
    }

    /// A process of a version as it should be now, with one unit.
    fn process(&self, version: &Version, name: &str, command: &[String]) -> ProcessState {
        let main = main_process(version.processes.keys().map(String::as_str)).unwrap_or_default();
        let (health, startup) = version.config.checks(name, main);
        let hooks = version.config.hooks.clone().unwrap_or_default().restart;
        let plan = self.plan(name);
        let (memory, cpu) = resources(plan);
        ProcessState {
            version: version.number(),
            name: name.into(),
            command: command.to_vec(),
            units: 1,
            past_units: 0,
            env: self.env.clone(),
            healthcheck: health.cloned(),
            startupcheck: startup.cloned(),
            before: hooks.before,
            after: hooks.after,
            routable: name == main,
            restarted: 0,
            mounts: self.mounts.to_vec(),
            memory,
            cpu_milli: cpu,
            pod: place::of_process(self.app, version, name, plan),
        }
    }

    /// The app with nothing but a place to run commands in, as this version has it.
    pub fn beside(&self, version: &Version) -> AppState {
        self.state(vec![ProcessState { routable: false, ..self.process(version, "", &[]) }])
    }

    fn plan(&self, process: &str) -> &Plan {
        let own = self.app.processes.iter().find(|p| p.name == process).map(|p| p.plan.as_str());
        own.and_then(|name| self.plans.get(name)).unwrap_or(&self.app.plan)
    }

    /// The same process with today's environment and resources; how many and where it stands stays.
    fn renewed(&self, old: &ProcessState) -> ProcessState {
        let version = self.versions.number(old.version);
        let Some((version, command)) = version.and_then(|v| Some((v, v.processes.get(&old.name)?))) else {
            return ProcessState { env: self.env.clone(), mounts: self.mounts.to_vec(), ..old.clone() };
        };
        ProcessState {
            units: old.units,
            past_units: old.past_units,
            routable: old.routable,
            restarted: old.restarted,
            ..self.process(version, &old.name, command)
        }
    }

    /// What runs, with today's environment and resources: what units that are made now are made from.
    pub fn renew(&self, seen: &AppState) -> AppState {
        self.state(seen.processes.iter().map(|process| self.renewed(process)).collect())
    }

    /// All processes of `version`, with as many units as what it replaces had.
    pub fn deploy(&self, before: Option<&AppState>, version: &Version, others: Others) -> Result<AppState> {
        if version.processes.is_empty() {
            return Err(Error::refused(format!("no process information found deploying version {}", version.version)));
        }
        version.processes.keys().try_for_each(|name| version.config.check_ports(name))?;
        let old = before.map(|state| state.processes.as_slice()).unwrap_or_default();
        let kept: Vec<_> = match others {
            Others::Replaced => Vec::new(),
            Others::Kept => old.iter().filter(|p| p.version != version.number()).cloned().collect(),
        };
        let alone = kept.is_empty();
        let fresh = version.processes.iter().map(|(name, command)| {
            let predecessor = predecessor(old, version.number(), name, others);
            let made = self.process(version, name, command);
            ProcessState {
                units: taken_over(old, name, others)
                    .or_else(|| predecessor.map(|p| p.units.max(p.past_units)))
                    .map_or(1, |units| units.max(1)),
                routable: made.routable && (alone || predecessor.is_some_and(|p| p.routable)),
                ..made
            }
        });
        let fresh: Vec<_> = fresh.collect();
        Ok(self.state(kept.into_iter().chain(fresh).collect()))
    }

    /// New units for everything selected. `stopped`: also start what is stopped, but in versions that have units; where none has, and of
    /// a version that is named, in any.
    pub fn restart(&self, before: &AppState, which: &Which, stopped: bool) -> Result<AppState> {
        let runs =
            |version: Option<u32>| before.processes.iter().any(|p| p.units > 0 && version.is_none_or(|version| p.version == version));
        let passed_over = |version: u32| which.version.is_none() && runs(None) && !runs(Some(version));
        self.each(before, which, |old| {
            if passed_over(old.version) {
                return old.clone();
            }
            let units = if stopped && old.units == 0 { old.past_units.max(1) } else { old.units };
            let past_units = if units > 0 { 0 } else { old.past_units };
            ProcessState { units, past_units, restarted: old.restarted + 1, ..self.renewed(old) }
        })
    }

    /// What is stopped comes back with the units it had.
    pub fn start(&self, before: &AppState, which: &Which) -> Result<AppState> {
        self.each(before, which, |old| {
            let renewed = self.renewed(old);
            if old.units > 0 { renewed } else { ProcessState { units: old.past_units.max(1), past_units: 0, restarted: 0, ..renewed } }
        })
    }

    /// No units, and a note of how many there were.
    pub fn stop(&self, before: &AppState, which: &Which) -> Result<AppState> {
        self.each(before, which, |old| match old.units {
            0 => old.clone(),
            units => ProcessState { past_units: units, units: 0, restarted: 0, ..self.renewed(old) },
        })
    }

    /// A version gets requests, or none.
    pub fn routable(&self, before: &AppState, version: u32, routable: bool) -> Result<AppState> {
        let which = Which { process: None, version: Some(version) };
        let main = before.processes.iter().filter(|p| p.version == version).map(|p| p.name.as_str());
        let main = main_process(main).unwrap_or_default().to_owned();
        self.each(before, &which, |old| ProcessState { routable: routable && old.name == main, ..old.clone() })
    }

    /// Everything but a version.
    pub fn without(&self, before: &AppState, version: u32) -> AppState {
        self.state(before.processes.iter().filter(|p| p.version != version).cloned().collect())
    }

    /// This many units of one process.
    pub fn units(&self, before: &AppState, one: &ProcessState, units: u32) -> AppState {
        let changed = before.processes.iter().map(|p| {
            if (p.version, &p.name) == (one.version, &one.name) { ProcessState { units, past_units: 0, ..p.clone() } } else { p.clone() }
        });
        self.state(changed.collect())
    }

    fn each(&self, before: &AppState, which: &Which, change: impl Fn(&ProcessState) -> ProcessState) -> Result<AppState> {
        check(before, which)?;
        let selected = before.processes.iter().map(|p| if which.selects(p) { change(p) } else { p.clone() });
        Ok(self.state(selected.collect()))
    }
}

/// Memory and CPU of a plan, its override included.
fn resources(plan: &Plan) -> (i64, i32) {
    let own = plan.overridden.clone().unwrap_or_default();
    let cpu = own.cpu_milli.unwrap_or(plan.cpu_milli);
    (own.memory.unwrap_or(plan.memory), i32::try_from(cpu).unwrap_or(i32::MAX))
}

/// Whose place a process of a version takes: its own when it runs already, else that of the version that gets requests.
fn predecessor<'a>(old: &'a [ProcessState], version: u32, name: &str, others: Others) -> Option<&'a ProcessState> {
    let own = old.iter().find(|p| p.version == version && p.name == name);
    if others == Others::Kept || own.is_some() {
        return own;
    }
    let served = served(old);
    let same = old.iter().filter(|p| p.name == name);
    same.max_by_key(|p| (served.contains(&p.version), p.version))
}

/// The versions that get requests.
fn served(old: &[ProcessState]) -> Vec<u32> {
    old.iter().filter(|p| p.routable).map(|p| p.version).collect()
}

/// The units of a process in all versions that get requests: one that replaces them all gets as many. `None`: there are none.
fn taken_over(old: &[ProcessState], name: &str, others: Others) -> Option<u32> {
    let served = served(old);
    let units = || old.iter().filter(|p| p.name == name && served.contains(&p.version)).map(|p| p.units);
    (others == Others::Replaced).then(|| units().fold(0, u32::saturating_add)).filter(|units| *units > 0)
}

fn check(state: &AppState, which: &Which) -> Result<()> {
    if let Some(version) = which.version
        && !state.processes.iter().any(|p| p.version == version)
    {
        return Err(Error::refused(format!("no deployment found for version {version}")));
    }
    match &which.process {
        Some(process) if !state.processes.iter().any(|p| which.selects(p)) => Err(no_command(process)),
        _ => Ok(()),
    }
}

fn no_command(process: &str) -> Error {
    Error::refused(format!("no command declared in Procfile for process {process:?}"))
}

/// The one version that a change of units is about.
pub fn one_version(state: &AppState, which: &Which) -> Result<u32> {
    if let Some(version) = which.version {
        return Ok(version);
    }
    match versions(state).as_slice() {
        [] => Err(Error::refused("no versions available for app")),
        [one] => Ok(*one),
        _ => Err(Error::refused("more than one version deployed, you must select one")),
    }
}

/// The one process that a change of units is about.
pub fn one_process<'a>(state: &'a AppState, version: u32, which: &Which) -> Result<&'a ProcessState> {
    let which = Which { version: Some(version), ..which.clone() };
    check(state, &which)?;
    let found: Vec<_> = state.processes.iter().filter(|p| which.selects(p)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        _ => Err(Error::refused("no process name specified and more than one declared in Procfile")),
    }
}

/// Numbers of the versions that are deployed, each once.
pub fn versions(state: &AppState) -> Vec<u32> {
    let mut found: Vec<u32> = state.processes.iter().map(|p| p.version).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// How many units are wanted in all.
pub fn total(state: &AppState) -> i64 {
    state.processes.iter().map(|p| i64::from(p.units)).sum()
}

#[cfg(test)]
mod tests;
