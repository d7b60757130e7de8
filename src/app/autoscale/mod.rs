//! Autoscale: what was asked for each process. A provisioner that scales keeps it itself, as a cluster does; where none measures a load
//! it is stored here, and a process has its least number of units.

mod check;
mod scaling;

use serde::{Deserialize, Serialize};

use super::{
    App,
    rollout::{self, Rollout, Which},
};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    provisioner::{DynProvisioner, ProcessState},
    store::{Document, Filter, Find, Spec as Collection, Update, lenient},
};

pub use check::{check, cpu_of};
pub use scaling::{of_scaling, to_scaling};

const NOT_DEPLOYED: &str = "no routable version found for app, at least one deploy is required before configuring autoscale";

/// What was asked for one process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Autoscale {
    /// The process; empty in requests: the only one.
    pub process: String,
    /// Units at least.
    #[serde(rename = "minunits")]
    pub min_units: u64,
    /// Units at most.
    #[serde(rename = "maxunits")]
    pub max_units: u64,
    /// `50%`, `50`, `500m`; empty: not by CPU.
    #[serde(rename = "averagecpu", deserialize_with = "lenient::or_default")]
    pub average_cpu: String,
    /// By the clock.
    #[serde(deserialize_with = "lenient::or_default")]
    pub schedules: Vec<Schedule>,
    /// By numbers of Prometheus.
    #[serde(deserialize_with = "lenient::or_default")]
    pub prometheus: Vec<Prometheus>,
    /// The version it was last swapped to.
    pub version: u64,
    /// How fast.
    pub behavior: Behavior,
}

/// Units at some time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// Name.
    pub name: String,
    /// Units at least.
    #[serde(rename = "minreplicas")]
    pub min_replicas: i64,
    /// From.
    pub start: String,
    /// To.
    pub end: String,
    /// Time zone.
    pub timezone: String,
}

/// Units by a number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prometheus {
    /// Name.
    pub name: String,
    /// Query.
    pub query: String,
    /// What one unit can bear.
    pub threshold: f64,
    /// Below it nothing is wanted.
    #[serde(rename = "activationthreshold")]
    pub activation_threshold: f64,
    /// Address of Prometheus.
    #[serde(rename = "prometheusaddress")]
    pub address: String,
}

/// How fast.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Behavior {
    /// How fast units leave.
    #[serde(rename = "scaledown")]
    pub scale_down: Option<ScaleDown>,
}

/// How fast units leave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScaleDown {
    /// Seconds.
    #[serde(rename = "stabilizationwindow")]
    pub stabilization_window: Option<i32>,
    /// Percent at a time.
    #[serde(rename = "percentagepolicyvalue")]
    pub percentage: Option<i32>,
    /// Units at a time.
    #[serde(rename = "unitspolicyvalue")]
    pub units: Option<i32>,
}

/// As stored, in a collection of our own: tsuru keeps it in the cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "_id")]
    id: String,
    app: String,
    spec: Autoscale,
}

impl Document for Stored {
    const SPEC: &'static Collection = &Collection { name: "impaas_autoscale", indexes: &[], sealed: &[] };
}

/// Neither names of apps nor those of processes have a slash.
fn id(app: &str, process: &str) -> String {
    format!("{app}/{process}")
}

fn by_id() -> Find {
    Find { sort: Some(("_id", false)), ..Find::default() }
}

/// What was asked for the app's processes, with the versions that it is about.
pub async fn of(ctx: &Context, app: &App) -> Result<Vec<Autoscale>> {
    let provisioner = rollout::provisioner(ctx, app).await?;
    match provisioner.scaler() {
        Some(scaler) => Ok(scaler.scalings(&app.name).await?.into_iter().map(of_scaling).collect()),
        None => of_store(ctx, app, &provisioner).await,
    }
}

/// The same as it is known at this moment: nobody waits for a cluster.
pub async fn seen(ctx: &Context, app: &App) -> Result<Vec<Autoscale>> {
    let provisioner = ctx.runs(app);
    match provisioner.scaler() {
        Some(scaler) => Ok(scaler.scalings_seen(&app.name).into_iter().map(of_scaling).collect()),
        None => of_store(ctx, app, &provisioner).await,
    }
}

async fn of_store(ctx: &Context, app: &App, provisioner: &DynProvisioner) -> Result<Vec<Autoscale>> {
    let all = ctx.store.of::<Stored>().recent(Filter::All, by_id()).await?;
    let stored: Vec<Stored> = all.iter().filter(|stored| stored.app == app.name).cloned().collect();
    if stored.is_empty() {
        return Ok(Vec::new());
    }
    let running = running(app, provisioner).await?;
    let spec = |stored: Stored| {
        let own = |process: &&ProcessState| process.name == stored.spec.process;
        let kept = running.iter().filter(own).any(|process| u64::from(process.version) == stored.spec.version);
        let first = first(&running, &stored.spec.process);
        let version = if kept { stored.spec.version } else { first.map_or(stored.spec.version, |process| process.version.into()) };
        Autoscale { version, ..stored.spec }
    };
    Ok(stored.into_iter().map(spec).collect())
}

/// The processes that a cluster scales in this version.
pub async fn processes_of(provisioner: &DynProvisioner, app: &str, version: u32) -> Result<Vec<String>> {
    let Some(scaler) = provisioner.scaler() else { return Ok(Vec::new()) };
    Ok(scaler.scalings(app).await?.into_iter().filter(|scaling| scaling.version == version).map(|scaling| scaling.process).collect())
}

/// They do not scale any more, in whichever version.
pub async fn end(provisioner: &DynProvisioner, app: &str, processes: &[String]) -> Result<()> {
    for process in processes {
        if let Some(scaler) = provisioner.scaler() {
            scaler.unscale(app, process).await?;
        }
    }
    Ok(())
}

async fn running(app: &App, provisioner: &DynProvisioner) -> Result<Vec<ProcessState>> {
    let state = provisioner.state(&app.name).await?;
    Ok(state.map(|state| state.processes).unwrap_or_default())
}

/// A process as it runs in the first version that answers requests, or in the first one. Requests go to one process of a version.
fn first<'a>(running: &'a [ProcessState], process: &str) -> Option<&'a ProcessState> {
    let answers = |version: u32| running.iter().any(|other| other.version == version && other.routable);
    let named = running.iter().filter(|one| process.is_empty() || one.name == process);
    named.min_by_key(|one| (!answers(one.version), one.version))
}

/// The process that is meant, as it runs in the first version that answers requests.
fn meant<'a>(running: &'a [ProcessState], process: &str) -> Result<&'a ProcessState> {
    let several = |version: u32| running.iter().filter(|other| other.version == version).count() > 1;
    if process.is_empty() && running.iter().any(|one| several(one.version)) {
        return Err(Error::refused("process argument is required"));
    }
    first(running, process).ok_or_else(|| Error::refused(NOT_DEPLOYED))
}

/// Has a process scale as asked, where its units are counted by a load; else keeps what is asked, and gives it the units it has at least.
pub async fn set(ctx: &Context, app: &Locked<App>, mut spec: Autoscale) -> Result<()> {
    let known = Rollout::load(ctx, app, &Output::default()).await?;
    let before = known.before.clone().unwrap_or_default();
    let process = meant(&before.processes, &spec.process)?;
    spec.process.clone_from(&process.name);
    spec.version = process.version.into();
    check_quota(app, &before.processes, &seen(ctx, app).await?, &spec)?;
    if let Some(scaler) = known.provisioner.scaler() {
        return scaler.scale(&known.recipe().renew(&before), &to_scaling(&spec, app)).await;
    }
    let least = u32::try_from(spec.min_units).unwrap_or(u32::MAX);
    // A stopped process stays stopped.
    if process.units > 0 && process.units < least {
        let which = Which { process: Some(process.name.clone()), version: Some(process.version) };
        rollout::grow(ctx, app, &which, least - process.units, &Output::default()).await?;
    }
    keep(ctx, app, spec).await
}

/// The most units that processes can have, however far each of them scales: what a quota has to hold.
pub fn most(running: &[ProcessState], known: &[Autoscale]) -> i64 {
    let limit = |one: &ProcessState| known.iter().find(|spec| about(running, spec).is_some_and(|scaled| std::ptr::eq(scaled, one)));
    let units = |one| limit(one).map_or(i64::from(one.units), |spec: &Autoscale| i64::try_from(spec.max_units).unwrap_or(i64::MAX));
    running.iter().map(units).fold(0, i64::saturating_add)
}

/// The process that scales so: in the version it was made for while that runs.
fn about<'a>(running: &'a [ProcessState], spec: &Autoscale) -> Option<&'a ProcessState> {
    let own = running.iter().find(|one| one.name == spec.process && u64::from(one.version) == spec.version);
    own.or_else(|| first(running, &spec.process))
}

/// All processes together stay within the quota, however far each of them scales.
fn check_quota(app: &App, running: &[ProcessState], known: &[Autoscale], spec: &Autoscale) -> Result<()> {
    let others = known.iter().filter(|other| other.process != spec.process);
    let all: Vec<Autoscale> = others.chain([spec]).cloned().collect();
    if app.quota.limit >= 0 && most(running, &all) > app.quota.limit {
        return Err(Error::invalid(check::text(check::ABOVE_QUOTA)));
    }
    Ok(())
}

async fn keep(ctx: &Context, app: &App, spec: Autoscale) -> Result<()> {
    let key = id(&app.name, &spec.process);
    ctx.store.of::<Stored>().upsert(Filter::id(key), Update::set("app", &app.name).and_set("spec", spec)).await?;
    Ok(())
}

/// Forgets what was asked for a process.
pub async fn remove(ctx: &Context, app: &App, process: &str) -> Result<()> {
    let provisioner = rollout::provisioner(ctx, app).await?;
    let running = running(app, &provisioner).await?;
    let process = meant(&running, process)?;
    if let Some(scaler) = provisioner.scaler() {
        return scaler.unscale(&app.name, &process.name).await;
    }
    ctx.store.of::<Stored>().delete(Filter::id(id(&app.name, &process.name))).await?;
    Ok(())
}

/// What was asked for is about another version from now on, for the processes that run in it.
pub async fn swap(ctx: &Context, app: &Locked<App>, version: &str) -> Result<()> {
    let known = Rollout::load(ctx, app, &Output::default()).await?;
    let before = known.before.clone().unwrap_or_default();
    let version = version.parse::<u32>().unwrap_or_default();
    if !before.processes.iter().any(|process| process.version == version) {
        return Err(Error::refused("could not swap the autoscale, make sure the version provided is currently deployed"));
    }
    let specs = of(ctx, app).await?;
    if specs.is_empty() {
        return Err(Error::refused("Cannot swap the autoscale, make sure the app has an autoscale configured"));
    }
    for spec in specs {
        let Some(scaler) = known.provisioner.scaler() else {
            keep(ctx, app, Autoscale { version: version.into(), ..spec }).await?;
            continue;
        };
        let there = before.processes.iter().any(|p| p.version == version && p.name == spec.process && p.units > 0);
        let version = if there { version } else { meant(&before.processes, &spec.process)?.version };
        scaler.scale(&known.recipe().renew(&before), &to_scaling(&Autoscale { version: version.into(), ..spec }, app)).await?;
    }
    Ok(())
}

/// Units of a process that scales by itself are not changed by hand.
pub async fn check_manual(ctx: &Context, app: &App, process: &str) -> Result<()> {
    if of(ctx, app).await?.iter().any(|spec| spec.process == process) {
        let text = "cannot add units to an app with autoscaler configured, please update autoscale settings";
        return Err(Error::refused(text));
    }
    Ok(())
}

/// Forgets everything about an app that goes.
pub async fn forget(ctx: &Context, app: &str) -> Result<()> {
    if ctx.store.of::<Stored>().current(Filter::All, by_id()).await?.iter().any(|stored| stored.app == app) {
        ctx.store.of::<Stored>().delete(Filter::eq("app", app)).await?;
    }
    Ok(())
}
