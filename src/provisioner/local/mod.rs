//! Apps as processes of this machine.

mod app;
mod build;
mod env;
mod exec;
mod file;
mod job;
mod launch;
mod log;
mod paths;
mod plan;
mod ports;
mod process;
mod ready;
mod rollout;
mod route;
mod running;
mod shared;
mod shell;
mod spec;
mod start;
pub mod transfer;
pub mod unit;
mod utf8;
mod wanted;
mod watch_exit;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

use self::{
    route::{Gate, Table},
    shared::Shared,
};
use super::{
    AppState, Apps, BuildRequest, Builder, Built, Census, DynHold, Exec, ImageOf, InternalAddress, JobBuild, JobEnd, JobId, JobState, Jobs,
    LogLine, LogQuery, Logs, Provisioner, RunRequest, Shell, ShellRequest, Unit, Vault, Volumes, app_image,
};
use crate::{
    error::{Error, Result},
    output::Output,
};

/// Where and with what it works.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// Its own folder.
    pub dir: PathBuf,
    /// The server's data folder, out of sight for apps. Usually the parent of `dir`.
    pub hidden: PathBuf,
    /// Where apps answer.
    pub apps_listen: SocketAddr,
    /// Our own program, which is also the shim.
    pub program: PathBuf,
    /// Where toolchains are: the server's own `PATH`.
    pub path: String,
    /// Seals what is kept of the apps' environments.
    pub vault: Arc<dyn Vault>,
}

/// The provisioner. Dropped, it stops looking after its units, which go on running for the next one; see [`Local::stop`].
#[derive(Debug)]
pub struct Local {
    shared: Arc<Shared>,
    address: SocketAddr,
    _end: DropGuard,
}

impl Local {
    /// Takes over what an earlier server left and starts answering.
    pub async fn start(config: LocalConfig) -> Result<Arc<Self>> {
        let config = prepared(config)?;
        let listener = TcpListener::bind(config.apps_listen)
            .await
            .map_err(|e| Error::unavailable(format!("cannot listen for apps on {}: {e}", config.apps_listen)))?;
        let address = listener.local_addr()?;
        let gate = Arc::new(Gate { table: Table::default(), client: route::client(), port: address.port() });
        let no_sandbox = no_sandbox(&config).await?;
        let shared = Arc::new(Shared::new(config, gate, no_sandbox));
        start::take_over(&shared).await?;
        job::take_over(&shared).await;
        tokio::spawn(route::listen(shared.gate.clone(), listener, shared.end.clone()));
        Ok(Arc::new(Self { address, _end: shared.end.clone().drop_guard(), shared }))
    }

    /// Where apps answer: the real port, also when 0 was asked for.
    pub fn apps_address(&self) -> SocketAddr {
        self.address
    }

    /// Why units run without a sandbox on this machine, if they do.
    pub fn warning(&self) -> Option<&str> {
        self.shared.no_sandbox.as_deref()
    }

    /// The graceful end of the server: every unit ends; what is wanted stays, so that the next start brings them back.
    pub async fn stop(&self) {
        job::stop_all(&self.shared).await;
        rollout::stop_all(&self.shared).await;
        self.shared.end.cancel();
    }

    /// As if the server were killed: nothing more is done for any unit, nothing is cleaned up.
    pub fn forget_everything(&self) {
        self.shared.end.cancel();
    }
}

/// With real paths: what is hidden is found by them.
fn prepared(config: LocalConfig) -> Result<LocalConfig> {
    file::folder(&config.dir)?;
    let real = |path: &PathBuf| path.canonicalize().map_err(|e| Error::invalid(format!("{}: {e}", path.display())));
    Ok(LocalConfig { dir: real(&config.dir)?, hidden: real(&config.hidden)?, program: real(&config.program)?, ..config })
}

async fn no_sandbox(config: &LocalConfig) -> Result<Option<String>> {
    let (program, scratch) = (config.program.clone(), paths::Paths::new(&config.dir).scratch());
    let tried = tokio::task::spawn_blocking(move || {
        file::remove_folder(&scratch)?;
        let tried = unit::works(&program, &scratch);
        file::remove_folder(&scratch)?;
        Ok::<_, Error>(tried)
    });
    match tried.await.map_err(Error::internal)?? {
        Ok(()) => Ok(None),
        Err(e) => {
            let why = if let Error::Internal(detail) = e { detail } else { e.to_string() };
            tracing::warn!(
                "apps are NOT separated from this machine: it does not allow user namespaces ({why}). They can read what the server can"
            );
            Ok(Some(why))
        }
    }
}

impl Provisioner for Local {
    fn name(&self) -> &'static str {
        "local"
    }
}

#[async_trait]
impl Builder for Local {
    async fn can_build(&self, platform: &str) -> Result<()> {
        build::can_build(&self.shared, platform).await
    }

    async fn image_of(&self, image: &str) -> Result<Option<ImageOf>> {
        Ok(app_image(image).map(|(app, _)| ImageOf::App(app.to_owned())))
    }

    async fn build(&self, request: BuildRequest, out: &Output) -> Result<Built> {
        build::build(&self.shared, request, out).await
    }

    async fn remove_version(&self, app: &str, version: u32) -> Result<()> {
        build::remove(&self.shared, app, version).await
    }
}

#[async_trait]
impl Apps for Local {
    /// Nobody else has this machine.
    async fn apply(&self, want: AppState, _: DynHold, out: &Output) -> Result<()> {
        rollout::apply(&self.shared, want, out).await
    }

    async fn state(&self, app: &str) -> Result<Option<AppState>> {
        Ok(self.seen(app))
    }

    fn seen(&self, app: &str) -> Option<AppState> {
        self.shared.app(app).and_then(|app| app.wanted())
    }

    async fn remove(&self, app: &str, out: &Output) -> Result<()> {
        rollout::remove(&self.shared, app, out).await
    }

    fn units(&self, app: &str) -> Vec<Unit> {
        let Some(app) = self.shared.app(app) else { return Vec::new() };
        let state = app.state();
        let routable = |unit: &running::Running| {
            let wanted = state.wanted.as_ref();
            wanted
                .and_then(|wanted| wanted::process(wanted, unit.record.version, &unit.record.process))
                .is_some_and(|process| process.routable)
        };
        state.units.iter().chain(&state.fresh).map(|unit| unit.show(routable(unit))).collect()
    }

    fn census(&self) -> Census {
        let mut census = Census::default();
        for app in self.shared.all_apps() {
            census.apps += usize::from(app.state().wanted.is_some());
            for unit in app.all_units() {
                *census.units.entry(unit.now().status).or_default() += 1;
            }
        }
        census
    }

    async fn kill_unit(&self, app: &str, unit: &str, force: bool) -> Result<()> {
        if !self.units(app).iter().any(|known| known.id == unit) {
            return Err(Error::not_found(format!("unit {unit:?} not found")));
        }
        rollout::replace(&self.shared, app, unit, force).await
    }

    fn address(&self, app: &str) -> String {
        match self.address.port() {
            80 => format!("{app}.localhost"),
            port => format!("{app}.localhost:{port}"),
        }
    }

    async fn set_cnames(&self, app: &str, cnames: &[String]) -> Result<()> {
        rollout::set_cnames(&self.shared, app, cnames).await
    }

    fn internal_addresses(&self, app: &str) -> Vec<InternalAddress> {
        let wanted = self.shared.app(app).and_then(|app| app.wanted());
        let mut routable: Vec<_> = wanted.iter().flat_map(|wanted| &wanted.processes).filter(|process| process.routable).collect();
        routable.dedup_by(|one, other| one.name == other.name);
        let address = |name: &String| InternalAddress {
            domain: format!("{app}.localhost"),
            protocol: "TCP".into(),
            port: self.address.port(),
            target_port: self.address.port(),
            version: String::new(),
            process: name.clone(),
        };
        routable.into_iter().map(|process| address(&process.name)).collect()
    }
}

#[async_trait]
impl Jobs for Local {
    async fn build_job(&self, request: JobBuild, out: &Output) -> Result<String> {
        job::build(&self.shared, request, out).await
    }

    async fn ensure_job(&self, want: JobState) -> Result<()> {
        job::ensure(&self.shared, want).await
    }

    async fn remove_job(&self, job: &JobId) -> Result<()> {
        job::remove(&self.shared, &job.name).await
    }

    async fn trigger_job(&self, job: &JobId) -> Result<()> {
        job::trigger(&self.shared, &job.name).await
    }

    async fn job_units(&self, job: &JobId) -> Result<Vec<Unit>> {
        Ok(self.shared.jobs.get(&job.name).map(|job| job.units()).unwrap_or_default())
    }

    async fn kill_job_unit(&self, job: &JobId, unit: &str, force: bool) -> Result<()> {
        job::kill(&self.shared, &job.name, unit, force).await
    }

    async fn job_logs(&self, job: &JobId, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        let folder = self.shared.paths.job(&job.name)?.join("log");
        Ok(log::stream(folder, query, self.shared.end.clone()).await)
    }

    async fn ended_jobs(&self) -> Vec<JobEnd> {
        self.shared.jobs.ended().await
    }

    async fn note_job_end(&self, end: &JobEnd) -> Result<()> {
        job::note_end(&self.shared, end)
    }
}

#[async_trait]
impl Volumes for Local {
    async fn remove_volume(&self, volume: &str) -> Result<()> {
        let folder = self.shared.paths.volume(volume)?;
        tokio::task::spawn_blocking(move || file::remove_folder(&folder)).await.map_err(Error::internal)?
    }
}

#[async_trait]
impl Logs for Local {
    async fn logs(&self, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        Ok(log::stream(self.shared.paths.log(&query.app)?, query, self.shared.end.clone()).await)
    }

    async fn log(&self, app: &str, line: LogLine) -> Result<()> {
        let folder = self.shared.paths.log(app)?;
        let entry = log::Entry { millis: line.date.millis(), source: line.source, unit: line.unit, text: line.message };
        let write = move || {
            file::folder(&folder)?;
            Ok(log::append::append(&folder, &[entry])?)
        };
        tokio::task::spawn_blocking(write).await.map_err(Error::internal)?
    }
}

#[async_trait]
impl Exec for Local {
    async fn run(&self, request: RunRequest, out: &Output) -> Result<()> {
        exec::run(&self.shared, request, out).await
    }

    async fn shell(&self, request: ShellRequest) -> Result<Shell> {
        shell::open(&self.shared, &request)
    }
}
