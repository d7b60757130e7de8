//! A provisioner that runs nothing and forgets nothing: state, units, versions and logs in memory.

mod jobs;
mod logs;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use impaas::{
    build::tsuru_yaml,
    clock::Time,
    error::{Error, Result},
    output::Output,
    provisioner::{
        AppState, Apps, BuildRequest, Builder, Built, DynHold, Exec, ImageOf, InternalAddress, JobState, LogLine, ProcessState,
        Provisioner, RunRequest, Shell, ShellRequest, Source, Unit, UnitStatus, Volumes, app_image,
    },
};
use tokio::sync::{broadcast, mpsc, watch};

/// What a double of a provisioner shows of itself, and finds in every upload.
#[derive(Clone, Copy)]
pub struct Look {
    pub name: &'static str,
    /// Apps answer below it.
    pub domain: &'static str,
    pub runs_images: bool,
    /// The cluster it says it is, and where apps reach each other in it.
    pub cluster: Option<&'static str>,
    pub processes: &'static [(&'static str, &'static str)],
    pub config: &'static str,
}

impl Look {
    const LOCAL: Self = Self {
        name: "local",
        domain: "localhost",
        runs_images: false,
        cluster: None,
        processes: &[("web", "run web"), ("worker", "run worker")],
        config: "hooks: {restart: {before: [b]}}\nhealthcheck: {path: /up}",
    };
}

/// What a double of a provisioner knows.
pub struct Memory {
    look: Look,
    inner: Mutex<Inner>,
    live: broadcast::Sender<(String, LogLine)>,
    /// While true, builds wait.
    pub hold_builds: watch::Sender<bool>,
    /// While true, rollouts of further versions wait.
    pub hold_rollouts: watch::Sender<bool>,
}

/// Apps and versions.
pub type Running = (BTreeMap<String, AppState>, BTreeSet<(String, u32)>);

#[derive(Default)]
struct Inner {
    apps: BTreeMap<String, AppState>,
    versions: BTreeSet<(String, u32)>,
    logs: Vec<(String, LogLine)>,
    builds: Vec<BuildRequest>,
    uploads: Vec<Vec<u8>>,
    fail: Option<&'static str>,
    killed: Vec<String>,
    jobs: BTreeMap<String, JobState>,
    job_builds: Vec<String>,
    runs: Vec<(String, Unit)>,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Self::like(Look::LOCAL)
    }

    pub fn like(look: Look) -> Arc<Self> {
        Arc::new(Self {
            look,
            inner: Mutex::default(),
            live: broadcast::channel(64).0,
            hold_builds: watch::channel(false).0,
            hold_rollouts: watch::channel(false).0,
        })
    }

    /// What runs, and which versions there are.
    pub fn running(&self) -> Running {
        let inner = self.lock();
        (inner.apps.clone(), inner.versions.clone())
    }

    /// From now on this runs.
    pub fn run_again(&self, running: &Running) {
        let mut inner = self.lock();
        (inner.apps, inner.versions) = running.clone();
        (inner.logs, inner.builds, inner.uploads) = Default::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The next build, or rollout, that is asked for fails with this.
    pub fn fail(&self, why: &'static str) {
        self.lock().fail = Some(why);
    }

    /// What builds were asked for, and what was in their uploads.
    pub fn builds(&self) -> (Vec<String>, Vec<Vec<u8>>) {
        let inner = self.lock();
        let sources = inner.builds.iter().map(|build| match &build.source {
            Source::Archive(_) => "archive".to_owned(),
            Source::Dockerfile { text, context } => format!("dockerfile {text} {}", context.is_some()),
            Source::Image(image) => format!("image {image}"),
        });
        (sources.collect(), inner.uploads.clone())
    }

    pub fn env_of_build(&self, build: usize) -> BTreeMap<String, String> {
        let inner = self.lock();
        inner.builds[build].env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
    }

    pub fn files(&self) -> Vec<u32> {
        self.lock().versions.iter().map(|(_, version)| *version).collect()
    }

    pub fn killed(&self) -> Vec<String> {
        self.lock().killed.clone()
    }

    /// What images of jobs were made from.
    pub fn job_builds(&self) -> Vec<String> {
        self.lock().job_builds.clone()
    }

    /// What is wanted of a job.
    pub fn job(&self, job: &str) -> Option<JobState> {
        self.lock().jobs.get(job).cloned()
    }

    /// `(version, process, units, routable)`
    pub fn shape(&self, app: &str) -> Vec<(u32, String, u32, bool)> {
        let state = self.lock().apps.get(app).cloned().unwrap_or_default();
        state.processes.into_iter().map(|p| (p.version, p.name, p.units, p.routable)).collect()
    }
}

fn image_of(app: &str, version: u32) -> String {
    format!("tsuru/app-{app}:v{version}")
}

async fn passed(gate: &watch::Sender<bool>) {
    gate.subscribe().wait_for(|held| !held).await.unwrap();
}

impl Provisioner for Memory {
    fn name(&self) -> &'static str {
        self.look.name
    }
}

#[async_trait]
impl Builder for Memory {
    async fn can_build(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn runs_images(&self) -> bool {
        self.look.runs_images
    }

    async fn image_of(&self, image: &str) -> Result<Option<ImageOf>> {
        Ok(app_image(image).map(|(app, _)| ImageOf::App(app.to_owned())))
    }

    async fn build(&self, request: BuildRequest, out: &Output) -> Result<Built> {
        out.section(&format!("Starting container image build for app {:?}", request.app));
        let (app, version) = (request.app.clone(), request.version);
        let described = !(self.look.runs_images && matches!(request.source, Source::Dockerfile { .. }));
        let upload = match &request.source {
            Source::Archive(path) | Source::Dockerfile { context: Some(path), .. } => std::fs::read(path)?,
            _ => Vec::new(),
        };
        let unknown = match &request.source {
            Source::Image(image) if self.look.runs_images => self.lock().versions.iter().all(|(app, v)| *image != image_of(app, *v)),
            Source::Archive(path) if self.look.runs_images => !upload.starts_with(&[0x1f, 0x8b]) && path.exists(),
            _ => false,
        };
        if unknown {
            return Err(Error::refused("rpc error: code = Unknown desc = this cannot be built"));
        }
        let failed = {
            let mut inner = self.lock();
            inner.uploads.push(upload);
            inner.builds.push(request);
            inner.versions.insert((app.clone(), version));
            inner.fail.take()
        };
        passed(&self.hold_builds).await;
        if let Some(why) = failed {
            self.remove_version(&app, version).await?;
            return Err(Error::refused(why));
        }
        let config = if described { tsuru_yaml::parse(self.look.config)? } else { Default::default() };
        let processes = self.look.processes.iter().map(|(name, line)| ((*name).to_owned(), vec![(*line).to_owned()]));
        Ok(Built { image: image_of(&app, version), processes: processes.collect(), config, exposed_ports: vec![] })
    }

    async fn remove_version(&self, app: &str, version: u32) -> Result<()> {
        self.lock().versions.remove(&(app.to_owned(), version));
        Ok(())
    }
}

#[async_trait]
impl Apps for Memory {
    async fn apply(&self, want: AppState, _: DynHold, out: &Output) -> Result<()> {
        out.section("Updating units");
        if let Some(why) = self.lock().fail.take() {
            return Err(Error::refused(why));
        }
        let known = self.shape(&want.app);
        if want.processes.iter().any(|process| known.iter().all(|known| known.0 != process.version)) {
            passed(&self.hold_rollouts).await;
        }
        self.lock().apps.insert(want.app.clone(), want);
        Ok(())
    }

    async fn state(&self, app: &str) -> Result<Option<AppState>> {
        Ok(self.seen(app))
    }

    fn seen(&self, app: &str) -> Option<AppState> {
        self.lock().apps.get(app).cloned()
    }

    async fn remove(&self, app: &str, _: &Output) -> Result<()> {
        self.lock().apps.remove(app);
        Ok(())
    }

    fn units(&self, app: &str) -> Vec<Unit> {
        let state = self.lock().apps.get(app).cloned().unwrap_or_default();
        let unit = |process: &impaas::provisioner::ProcessState, number: u32| Unit {
            id: format!("{app}-{}-{}-{number}", process.name, process.version),
            app: app.into(),
            process: process.name.clone(),
            version: process.version,
            status: UnitStatus::Started,
            reason: String::new(),
            ip: "127.0.0.1".into(),
            internal_ip: "127.0.0.1".into(),
            port: Some(1),
            routable: process.routable,
            ready: true,
            restarts: 0,
            created_at: Time::now(),
        };
        state.processes.iter().flat_map(|process| (0..process.units).map(|number| unit(process, number)).collect::<Vec<_>>()).collect()
    }

    async fn kill_unit(&self, app: &str, unit: &str, force: bool) -> Result<()> {
        if !self.units(app).iter().any(|known| known.id == unit) {
            return Err(match self.look.cluster {
                Some(_) => Error::refused(format!("Unable to find pod: pods {unit:?} not found")),
                None => Error::not_found(format!("unit {unit:?} not found")),
            });
        }
        self.lock().killed.push(format!("{unit} {force}"));
        Ok(())
    }

    fn address(&self, app: &str) -> String {
        format!("{app}.{}", self.look.domain)
    }

    async fn set_cnames(&self, _: &str, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn cluster(&self, _: &str) -> Option<String> {
        self.look.cluster.map(Into::into)
    }

    fn internal_addresses(&self, app: &str) -> Vec<InternalAddress> {
        let serving = |process: ProcessState, version: Option<u32>| {
            let mark = version.map(|version| format!("-v{version}")).unwrap_or_default();
            InternalAddress {
                domain: format!("{app}-{}{mark}.default.svc.cluster.local", process.name),
                protocol: "TCP".into(),
                port: 8888,
                target_port: 8888,
                version: version.map(|version| version.to_string()).unwrap_or_default(),
                process: process.name,
            }
        };
        let processes = self.lock().apps.get(app).filter(|_| self.look.cluster.is_some()).cloned().unwrap_or_default().processes;
        let several = processes.len() > 1;
        let each = processes.iter().filter(|_| several).map(|process| serving(process.clone(), Some(process.version)));
        let each: Vec<_> = each.collect();
        processes.iter().take(1).map(|process| serving(process.clone(), None)).chain(each).collect()
    }
}

#[async_trait]
impl Volumes for Memory {
    async fn remove_volume(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Exec for Memory {
    async fn run(&self, request: RunRequest, out: &Output) -> Result<()> {
        let times = if request.once || request.isolated { 1 } else { self.units(&request.app).len() };
        let printed = request.command.strip_prefix("echo ").filter(|_| self.look.runs_images).unwrap_or(&request.command);
        (0..times).for_each(|_| out.line(printed));
        match request.command.strip_prefix("exit ") {
            Some(code) => Err(Error::refused(format!("command terminated with exit code {code}"))),
            None => Ok(()),
        }
    }

    /// Echoes what is typed, after the terminal's size.
    async fn shell(&self, request: ShellRequest) -> Result<Shell> {
        let ((input, mut typed), (printed, output)) = (mpsc::channel::<Vec<u8>>(8), mpsc::channel(8));
        tokio::spawn(async move {
            printed.send(format!("{:?} {} {:?}\n", request.size, request.term, request.unit).into_bytes()).await.ok();
            while let Some(keys) = typed.recv().await {
                let end = keys == b"\x04";
                printed.send(keys).await.ok();
                if end {
                    return;
                }
            }
        });
        Ok(Shell { input, output })
    }
}
