//! What runs apps. Small traits per noun; an implementation knows no HTTP edge and no store.
//!
//! A provisioner keeps the *wanted* state it was last given, as a cluster does, and holds the world to it: also after a crash of
//! the server, a reboot, or the death of a unit.

pub mod absent;
pub mod away;
mod exec;
pub mod hold;
mod jobs;
pub mod kubernetes;
pub mod local;
mod placed;
pub mod registry;
pub mod routes;
pub mod scaling;
mod volumes;

pub use exec::{Exec, RunRequest, Shell, ShellRequest};
pub use hold::DynHold;
pub use jobs::{Concurrency, JobBuild, JobEnd, JobId, JobState, Jobs, app_image};
pub use placed::{AppPlace, Base, BuildPlace, JobPlace, PodPlace, PoolPlace, VolumePlace};
pub use routes::Routes;
pub use scaling::UnitUsage;
pub use volumes::Volumes;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use self::scaling::Scaler;
use crate::{
    build::tsuru_yaml::{Healthcheck, Startupcheck, TsuruYaml},
    clock::Time,
    error::Result,
    output::Output,
    secret::Secret,
};

/// Everything a provisioner does for apps, jobs and volumes.
pub trait Provisioner: Builder + Apps + Jobs + Volumes + Logs + Exec {
    /// tsuru's name of it, as pools say it: `kubernetes`, `local`.
    fn name(&self) -> &'static str;
    /// What scales processes by their load, where something measures it.
    fn scaler(&self) -> Option<&dyn Scaler> {
        None
    }
    /// What has requests from outside reach its apps, where that is not this server itself.
    fn routes(&self) -> Result<Option<&dyn Routes>> {
        Ok(None)
    }

    /// What the app's units use, as was measured last, or why nobody knows.
    fn usage(&self, _app: &str) -> std::result::Result<Vec<UnitUsage>, String> {
        Ok(Vec::new())
    }
}

/// A handle that is passed around.
pub type DynProvisioner = Arc<dyn Provisioner>;

/// Keeps what a provisioner writes to disk unreadable without the server's key.
pub trait Vault: Send + Sync + std::fmt::Debug {
    /// Seals a text for the place of this name.
    fn seal(&self, place: &str, clear: &str) -> Result<String>;
    /// Opens what was sealed for that place; a text that was never sealed comes back as it is.
    fn open(&self, place: &str, sealed: &str) -> Result<String>;
}

/// Makes a runnable version from what the user sent.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Why apps of this platform cannot be built on this machine (a missing toolchain, by name), or `Ok`.
    async fn can_build(&self, platform: &str) -> Result<()>;
    /// Whether platforms can be images of one's own. Where not, a platform is what is installed on the machine.
    fn runs_images(&self) -> bool {
        false
    }
    /// Whose files an image holds, when it is one that was made here.
    async fn image_of(&self, _image: &str) -> Result<Option<ImageOf>> {
        Ok(None)
    }
    /// Builds. Progress and the build's own output go to `out`. A failed build leaves nothing behind.
    async fn build(&self, request: BuildRequest, out: &Output) -> Result<Built>;
    /// Forgets a built version and its files.
    async fn remove_version(&self, app: &str, version: u32) -> Result<()>;
    /// Takes images out of their registries, where versions are images; the kept ones of the same names stay whole. A registry that is
    /// away stops nothing.
    async fn remove_images(&self, _gone: &[String], _kept: &[String]) {}
}

/// Whose files an image holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageOf {
    /// An app's.
    App(String),
    /// A job's.
    Job(String),
}

/// One build.
#[derive(Debug)]
pub struct BuildRequest {
    /// The app.
    pub app: String,
    /// The number of the version being made.
    pub version: u32,
    /// The app's platform; empty when it has none.
    pub platform: String,
    /// What to build from.
    pub source: Source,
    /// The app's environment, for build hooks.
    pub env: BTreeMap<String, Secret>,
    /// What a cluster wants to know besides.
    pub place: BuildPlace,
}

/// Where a version comes from.
#[derive(Debug)]
pub enum Source {
    /// An uploaded gzipped tar (on disk, removed by the caller).
    Archive(PathBuf),
    /// A Dockerfile's text and the uploaded context.
    Dockerfile {
        /// The text.
        text: String,
        /// The context, when files came with it.
        context: Option<PathBuf>,
    },
    /// A ready image.
    Image(String),
}

/// What a build found out.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The image's name: `tsuru/app-NAME:vN` where there is no registry.
    pub image: String,
    /// Process name to command, as tsuru stores it: one element is a shell line, several are an argv.
    pub processes: BTreeMap<String, Vec<String>>,
    /// The parsed tsuru.yaml.
    pub config: TsuruYaml,
    /// Ports the image exposes (`8888/tcp`).
    pub exposed_ports: Vec<String>,
}

/// The wanted state of one app.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AppState {
    /// Its name.
    pub app: String,
    /// Its platform, shown as the type of its units.
    pub platform: String,
    /// Host names beside the default one.
    pub cnames: Vec<String>,
    /// Every (version, process) that should exist.
    pub processes: Vec<ProcessState>,
    /// What a cluster wants to know besides.
    #[serde(default)]
    pub place: AppPlace,
}

/// The wanted state of one process of one version.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProcessState {
    /// Version number.
    pub version: u32,
    /// Process name.
    pub name: String,
    /// One element: a shell line; several: an argv.
    pub command: Vec<String>,
    /// How many units; 0 is stopped.
    pub units: u32,
    /// Units before a stop, to come back to at start.
    pub past_units: u32,
    /// Environment without what the provisioner adds itself (`PORT`, `port`, `TSURU_PROCESSNAME`, `TSURU_APPVERSION`).
    #[serde(serialize_with = "env_map")]
    pub env: BTreeMap<String, Secret>,
    /// Health check of tsuru.yaml, for the process that answers HTTP.
    pub healthcheck: Option<Healthcheck>,
    /// Startup check of tsuru.yaml.
    pub startupcheck: Option<Startupcheck>,
    /// Run in each new unit's environment before it starts (`hooks.restart.before`).
    pub before: Vec<String>,
    /// Run after it became ready (`hooks.restart.after`).
    pub after: Vec<String>,
    /// Requests of the app's host names go to it (main process of a routable version).
    pub routable: bool,
    /// Restarts since the last deploy, start or stop. A changed number replaces the units although nothing else changed.
    pub restarted: i64,
    /// Volumes.
    pub mounts: Vec<Mount>,
    /// Bytes of memory; 0: no limit.
    pub memory: i64,
    /// Thousandths of a core; 0: no limit.
    pub cpu_milli: i32,
    /// What a cluster wants to know besides.
    #[serde(default, skip_serializing_if = "PodPlace::is_default")]
    pub pod: PodPlace,
}

pub(crate) fn env_map<S: serde::Serializer>(env: &BTreeMap<String, Secret>, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.collect_map(env.iter().map(|(name, value)| (name, value.expose())))
}

/// A volume in a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mount {
    /// The volume's name.
    pub volume: String,
    /// Where the app sees it.
    pub path: String,
    /// The app may not write to it.
    pub read_only: bool,
}

/// Runs apps.
#[async_trait]
pub trait Apps: Send + Sync {
    /// Brings the app to this state, streaming progress as tsuru words it, and keeps it there. New units become ready before old
    /// ones leave: no request is lost. On an error what was changed is undone and the earlier state goes on serving. Who lost the hold
    /// changes nothing any more, and undoes nothing.
    async fn apply(&self, want: AppState, hold: DynHold, out: &Output) -> Result<()>;
    /// Waits until what a dropped [`Apps::apply`] began is undone.
    async fn settled(&self, _app: &str) {}
    /// Makes a new app known to others who look after apps where it will run. The first deploy does the same where this failed.
    async fn introduce(&self, _app: &AppState) -> Result<()> {
        Ok(())
    }
    /// The state last applied.
    async fn state(&self, app: &str) -> Result<Option<AppState>>;
    /// Stops everything and forgets the app, its versions and logs.
    async fn remove(&self, app: &str, out: &Output) -> Result<()>;
    /// The state as it is known at this moment: what is shown, and never a reason to wait.
    fn seen(&self, app: &str) -> Option<AppState>;
    /// Why what is known of the app may be old, if so.
    fn trouble(&self, _app: &str) -> Option<String> {
        None
    }
    /// The app's units, from memory.
    fn units(&self, app: &str) -> Vec<Unit>;
    /// Counts what is heard of units: while it stays the same, so does every app's. `None` where nobody counts.
    fn units_heard(&self) -> Option<u64> {
        None
    }
    /// How many apps and units there are, from memory.
    fn census(&self) -> Census {
        Census::default()
    }
    /// Stops one unit of this app, and no other's; its replacement starts by itself.
    async fn kill_unit(&self, app: &str, unit: &str, force: bool) -> Result<()>;
    /// The app's own address without scheme's default parts: `hello.localhost:8888`.
    fn address(&self, app: &str) -> String;
    /// Makes new host names answer (and forgotten ones not) without touching units.
    async fn set_cnames(&self, app: &str, cnames: &[String]) -> Result<()>;
    /// The cluster that the app runs in, where there are clusters.
    fn cluster(&self, _app: &str) -> Option<String> {
        None
    }
    /// Addresses of the app's processes inside the machine or cluster.
    fn internal_addresses(&self, app: &str) -> Vec<InternalAddress>;
}

/// How many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Apps with a wanted state.
    pub apps: usize,
    /// Units of apps by status.
    pub units: BTreeMap<UnitStatus, usize>,
}

/// Where other apps reach a process.
#[derive(Clone, Debug, PartialEq)]
pub struct InternalAddress {
    /// Host name.
    pub domain: String,
    /// `TCP`.
    pub protocol: String,
    /// Port.
    pub port: u16,
    /// Port of the unit behind it.
    pub target_port: u16,
    /// Version, when the address is of one version only.
    pub version: String,
    /// Process name.
    pub process: String,
}

/// State of a unit, in tsuru's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitStatus {
    /// Made, not started yet.
    Created,
    /// Running, not ready yet.
    Starting,
    /// Running and ready.
    Started,
    /// Failing: see the reason.
    Error,
    /// Ended on purpose.
    Stopped,
    /// A run of a job that ended well.
    Succeeded,
}

impl UnitStatus {
    /// tsuru's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Starting => "starting",
            Self::Started => "started",
            Self::Error => "error",
            Self::Stopped => "stopped",
            Self::Succeeded => "succeeded",
        }
    }
}

/// One running instance of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Identity and name: `hello-web-1a2b3c4d`.
    pub id: String,
    /// Its app.
    pub app: String,
    /// Its process.
    pub process: String,
    /// Its version.
    pub version: u32,
    /// State.
    pub status: UnitStatus,
    /// Why it fails: `exitCode: 1`.
    pub reason: String,
    /// Host address.
    pub ip: String,
    /// Address inside the cluster, where there is one.
    pub internal_ip: String,
    /// Port it listens on, when it serves.
    pub port: Option<u16>,
    /// Requests go to it.
    pub routable: bool,
    /// Ready to serve.
    pub ready: bool,
    /// How often it was restarted after dying.
    pub restarts: u32,
    /// Start.
    pub created_at: Time,
}

/// Logs of apps.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Past lines oldest first, then, with `follow`, live ones until dropped.
    async fn logs(&self, query: LogQuery) -> Result<BoxStream<'static, LogLine>>;
    /// Adds a line of somebody else's (`POST /apps/{app}/log`, deploy notes).
    async fn log(&self, app: &str, line: LogLine) -> Result<()>;
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// The app.
    pub app: String,
    /// The last so many.
    pub lines: usize,
    /// Only of this process (`source`).
    pub source: Option<String>,
    /// Everything but that source (`invert-source`).
    pub invert_source: bool,
    /// Only of these units.
    pub units: Vec<String>,
    /// Go on with live lines.
    pub follow: bool,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When.
    pub date: Time,
    /// Text without newline.
    pub message: String,
    /// Process name, or who said it.
    pub source: String,
    /// Unit.
    pub unit: String,
}
