//! Jobs: what is wanted of them, and their runs. The wanted state, what a job runs from, its log and each run are files, so that a server
//! that comes after a crash goes on where the last one was.

mod dockerfile;
mod image;
mod life;
mod record;
mod run;
mod state;
mod ticker;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use image::build;
pub use life::{ensure, kill, note_end, remove, start, stop_all, trigger};
use run::Run;

use super::shared::Shared;
use crate::{
    clock::Time,
    provisioner::{JobEnd, JobState, Unit},
};

/// One job.
#[derive(Debug)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Held by whoever changes what is wanted, or begins a run.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Something changed that the ticker should look at.
    changed: Notify,
    /// It was removed.
    gone: CancellationToken,
}

#[derive(Debug)]
struct State {
    wanted: Option<JobState>,
    runs: Vec<Arc<Run>>,
    /// Up to then, every time of the schedule was seen to.
    seen: Time,
    /// Its ticker runs.
    ticks: bool,
}

impl Job {
    fn new(name: &str) -> Self {
        let state = State { wanted: None, runs: Vec::new(), seen: Time::now(), ticks: false };
        Self {
            name: name.into(),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
            gone: CancellationToken::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its runs as the API shows them, oldest first.
    pub fn units(&self) -> Vec<Unit> {
        self.state().runs.iter().map(|run| run.show()).collect()
    }
}

/// All jobs.
#[derive(Debug, Default)]
pub struct Book {
    jobs: RwLock<HashMap<String, Arc<Job>>>,
    /// A run ended.
    ended: Notify,
    /// The server ends: nothing more begins.
    closed: CancellationToken,
}

impl Book {
    /// A job that is known.
    pub fn get(&self, name: &str) -> Option<Arc<Job>> {
        self.jobs.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn get_or_new(&self, name: &str) -> Arc<Job> {
        let mut jobs = self.jobs.write().unwrap_or_else(PoisonError::into_inner);
        jobs.entry(name.to_owned()).or_insert_with(|| Arc::new(Job::new(name))).clone()
    }

    fn forget(&self, name: &str) {
        self.jobs.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn all(&self) -> Vec<Arc<Job>> {
        self.jobs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Runs that ended and were not noted yet, once there are some.
    pub async fn ended(&self) -> Vec<JobEnd> {
        loop {
            let ends: Vec<JobEnd> =
                self.all().iter().flat_map(|job| job.state().runs.iter().filter_map(|run| run.news()).collect::<Vec<_>>()).collect();
            if !ends.is_empty() {
                return ends;
            }
            self.ended.notified().await;
        }
    }
}

/// Takes over what an earlier server left: runs that live go on, those that were cut start again, those that were missed happen once.
pub async fn take_over(shared: &Arc<Shared>) {
    for name in super::file::entries(&shared.paths.jobs()) {
        if let Err(e) = start(shared, &name).await {
            tracing::error!(job = name, "cannot take the job over: {e:?}");
        }
    }
}
