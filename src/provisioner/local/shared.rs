//! What every part of the provisioner holds on to.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::OnceCell;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{LocalConfig, app::App, env::Place, job, paths::Paths, ports::Ports, route::Gate, spec::Sandbox};
use crate::{
    error::{Error, Result},
    provisioner::{AppState, ProcessState},
};

/// Home of a sandboxed process, as it sees it.
pub const HOME: &str = "/home/application";
/// The version's files, as a sandboxed process sees them.
pub const CURRENT: &str = "/home/application/current";

/// The provisioner's insides.
#[derive(Debug)]
pub struct Shared {
    /// As started.
    pub config: LocalConfig,
    /// Where things are.
    pub paths: Paths,
    /// The router.
    pub gate: Arc<Gate>,
    /// Ports of units.
    pub ports: Ports,
    /// Why there are no sandboxes on this machine.
    pub no_sandbox: Option<String>,
    /// Ends every task; what it supervises goes on.
    pub end: CancellationToken,
    /// What a graceful end waits for.
    pub tasks: TaskTracker,
    /// The Go cache of the server's own user, once it was looked for.
    pub go_cache: OnceCell<Option<PathBuf>>,
    /// Jobs.
    pub jobs: job::Book,
    apps: RwLock<HashMap<String, Arc<App>>>,
}

impl Shared {
    /// With no app yet.
    pub fn new(config: LocalConfig, gate: Arc<Gate>, no_sandbox: Option<String>) -> Self {
        let paths = Paths::new(&config.dir);
        let (end, tasks) = (CancellationToken::new(), TaskTracker::new());
        Self {
            config,
            paths,
            gate,
            ports: Ports::default(),
            no_sandbox,
            end,
            tasks,
            go_cache: OnceCell::new(),
            jobs: job::Book::default(),
            apps: RwLock::default(),
        }
    }

    /// An app that is known.
    pub fn app(&self, name: &str) -> Option<Arc<App>> {
        self.apps.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// An app, new or known.
    pub fn app_or_new(&self, name: &str) -> Arc<App> {
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        apps.entry(name.to_owned()).or_insert_with(|| Arc::new(App::new(name))).clone()
    }

    /// All of them.
    pub fn all_apps(&self) -> Vec<Arc<App>> {
        self.apps.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Forgets an app.
    pub fn forget(&self, name: &str) {
        self.apps.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.gate.table.remove(name);
    }

    /// The last wanted state of an app, or why there is nothing to run in.
    pub fn deployed(&self, app: &str) -> Result<AppState> {
        let wanted = self.app(app).and_then(|app| app.wanted());
        wanted
            .filter(|wanted| !wanted.processes.is_empty())
            .ok_or_else(|| Error::refused(format!("App {app} has no deployed version: deploy it first")))
    }

    /// Folder and paths for a process of a version; `own` is the folder of the run.
    pub fn place<'a>(&'a self, folder: &'a std::path::Path, home: &'a str) -> Place<'a> {
        let base = if self.no_sandbox.is_some() { folder.to_str().unwrap_or_default() } else { CURRENT };
        let home = if self.no_sandbox.is_some() { home } else { HOME };
        Place { folder, base, home, path: &self.config.path }
    }

    /// The sandbox of a run with this folder; none on a machine without.
    pub fn sandbox(&self, own: &std::path::Path) -> Result<Option<Sandbox>> {
        let (home, tmp) = (own.join("home"), own.join("tmp"));
        for folder in [&home, &tmp] {
            super::file::folder(folder)?;
        }
        let hidden = vec![self.config.hidden.clone(), self.config.dir.clone()];
        Ok(self.no_sandbox.is_none().then(|| Sandbox { hidden, home, tmp, binds: Vec::new() }))
    }

    /// The files of a process's version, which must be there.
    pub fn version_folder(&self, app: &str, process: &ProcessState) -> Result<PathBuf> {
        let folder = self.paths.version(app, process.version)?;
        match folder.is_dir() && !super::build::is_unfinished(&folder) {
            true => Ok(folder),
            false => {
                Err(Error::refused(format!("version {} of app {app} has no files on this machine any more: deploy again", process.version)))
            }
        }
    }
}
