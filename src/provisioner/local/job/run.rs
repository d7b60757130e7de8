//! One run: its command is started, watched, started again when it fails, ended when it takes too long.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio_util::sync::CancellationToken;

use super::{
    Job, image,
    record::{End, Record},
};
use crate::{
    clock::Time,
    error::{Error, Result},
    provisioner::{
        JobEnd, JobState, Unit, UnitStatus,
        local::{
            env, file, launch,
            log::{Entry, append::append},
            process::Identity,
            shared::Shared,
            spec::{self, EXIT, LogTarget, PID, SPEC, Spec},
            watch_exit,
        },
    },
    secret::Secret,
};

/// Before a command that failed is started again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The shim ends its command within ten seconds of a SIGTERM; this is for a shim that does not.
const SHIM_GRACE: Duration = Duration::from_secs(15);

/// A run.
#[derive(Debug)]
pub struct Run {
    job: String,
    /// Its folder.
    pub folder: PathBuf,
    record: Mutex<Record>,
    stop: CancellationToken,
    force: CancellationToken,
    over: CancellationToken,
}

/// How a run's supervision ended.
enum Fate {
    /// By itself; why it failed.
    Ended(Option<String>),
    /// Somebody ended it.
    Killed,
    /// The server ends; the next one starts it again.
    Left,
}

/// What came of an attempt.
enum Outcome {
    Code(Option<u8>),
    TooLong,
    Killed,
    Left,
}

impl Run {
    /// A new run, kept before anything of it is started.
    pub fn create(job: &str, folder: PathBuf, record: Record) -> Result<Arc<Self>> {
        file::folder(&folder)?;
        record.write(&folder)?;
        Ok(Self::known(job, folder, record))
    }

    /// A run that an earlier server began.
    pub fn known(job: &str, folder: PathBuf, record: Record) -> Arc<Self> {
        let token = CancellationToken::new;
        let (stop, force, over) = (token(), token(), token());
        if record.end.is_some() {
            over.cancel();
        }
        Arc::new(Self { job: job.into(), folder, record: Mutex::new(record), stop, force, over })
    }

    /// What is kept of it.
    pub fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is kept of it.
    pub fn change(&self, change: impl FnOnce(&mut Record)) -> Result<()> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut record);
        record.write(&self.folder)
    }

    /// True until it ended.
    pub fn goes_on(&self) -> bool {
        self.record().end.is_none()
    }

    /// Asks it to end; see [`Run::over`].
    pub fn stop(&self, force: bool) {
        if force {
            self.force.cancel();
        }
        self.stop.cancel();
    }

    /// Waits until nothing of it runs.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Its end, when nobody noted it yet.
    pub fn news(&self) -> Option<JobEnd> {
        let record = self.record();
        let end = record.end.filter(|_| !record.noted)?;
        Some(JobEnd {
            job: self.job.clone(),
            id: format!("{}/{}/{}", self.job, record.id, record.created_at),
            unit: record.id,
            controller: self.job.clone(),
            started_at: Time::from_millis(record.created_at),
            ended_at: Time::from_millis(end.at),
            failure: end.failure,
        })
    }

    /// As the API shows it.
    pub fn show(&self) -> Unit {
        let record = self.record();
        let (status, reason) = match record.end {
            None => (UnitStatus::Started, String::new()),
            Some(End { failure: None, .. }) => (UnitStatus::Succeeded, String::new()),
            Some(End { failure: Some(why), .. }) => (UnitStatus::Error, why),
        };
        Unit {
            id: record.id,
            app: String::new(),
            process: String::new(),
            version: 0,
            status,
            reason,
            ip: String::new(),
            internal_ip: String::new(),
            port: None,
            routable: false,
            ready: false,
            restarts: record.restarts,
            created_at: Time::from_millis(record.created_at),
        }
    }
}

/// Sees a run to its end. When the server is killed, the command goes on for the next server.
pub async fn supervise(shared: Arc<Shared>, job: Arc<Job>, run: Arc<Run>, want: JobState) {
    let watched = Watched { shared: &shared, run: &run, want: &want };
    let Some(fate) = shared.end.run_until_cancelled(watched.attempts()).await else { return };
    match fate {
        Fate::Left => forget_attempt(&run.folder),
        Fate::Killed => {}
        Fate::Ended(failure) => {
            let kept = run.change(|record| record.end = Some(End { at: Time::now().millis(), failure }));
            if let Err(e) = kept {
                tracing::error!(run = run.record().id, "its end cannot be kept: {e:?}");
            }
            tidy(&run.folder).await;
            job.state().forget_old();
        }
    }
    run.over.cancel();
    job.changed.notify_one();
    shared.jobs.ended.notify_one();
}

struct Watched<'a> {
    shared: &'a Shared,
    run: &'a Run,
    want: &'a JobState,
}

impl Watched<'_> {
    async fn attempts(&self) -> Fate {
        loop {
            let outcome = match self.attempt().await {
                Ok(outcome) => outcome,
                Err(e) => {
                    self.note(format!("cannot be started: {e}")).await;
                    Outcome::Code(None)
                }
            };
            match outcome {
                Outcome::Code(Some(0)) => return Fate::Ended(None),
                Outcome::TooLong => return self.too_long().await,
                Outcome::Killed => return Fate::Killed,
                Outcome::Left => return Fate::Left,
                Outcome::Code(code) => {
                    if let Some(fate) = self.pause(code).await {
                        return fate;
                    }
                }
            }
        }
    }

    async fn too_long(&self) -> Fate {
        self.note(format!("ended: it ran for {} seconds", self.want.deadline)).await;
        Fate::Ended(Some("DeadlineExceeded".into()))
    }

    /// After a failure, until the next attempt; a fate when there is none.
    async fn pause(&self, code: Option<u8>) -> Option<Fate> {
        let how = code.map_or_else(|| "the command was killed".to_owned(), |code| format!("the command ended with exit code {code}"));
        let restarts = self.run.record().restarts;
        if restarts >= self.want.retries {
            self.note(how).await;
            return Some(Fate::Ended(Some("BackoffLimitExceeded".into())));
        }
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(restarts)).min(LONGEST_PAUSE);
        self.note(format!("{how}; it is started again in {} seconds", pause.as_secs())).await;
        if let Err(e) = self.run.change(|record| record.restarts += 1) {
            tracing::error!(run = self.run.record().id, "a restart cannot be kept: {e:?}");
        }
        forget_attempt(&self.run.folder);
        tokio::select! {
            () = tokio::time::sleep(pause) => None,
            () = self.deadline() => Some(self.too_long().await),
            () = self.run.stop.cancelled() => Some(Fate::Killed),
            () = self.shared.jobs.closed.cancelled() => Some(Fate::Left),
        }
    }

    /// One start of the command, or what an earlier server started.
    async fn attempt(&self) -> Result<Outcome> {
        let (identity, child) = match Identity::read(&self.run.folder.join(PID)) {
            Some(identity) => (identity, None),
            None => {
                let (identity, child) = launch::start(self.shared, &self.run.folder, &self.spec()?)?;
                (identity, Some(child))
            }
        };
        let exit = watch_exit::exit(&identity, child, &self.run.folder);
        tokio::pin!(exit);
        let outcome = tokio::select! {
            code = &mut exit => {
                if let Some(complaint) = launch::complaint(&self.run.folder) {
                    self.note(complaint).await;
                }
                return code.map(Outcome::Code);
            }
            () = self.deadline() => Outcome::TooLong,
            () = self.run.stop.cancelled() => Outcome::Killed,
            () = self.shared.jobs.closed.cancelled() => Outcome::Left,
        };
        identity.signal(if self.run.force.is_cancelled() { Signal::SIGQUIT } else { Signal::SIGTERM });
        let ended = tokio::select! {
            _ = &mut exit => true,
            () = self.run.force.cancelled() => false,
            () = tokio::time::sleep(SHIM_GRACE) => false,
        };
        if !ended {
            identity.signal(Signal::SIGQUIT);
            if tokio::time::timeout(Duration::from_secs(3), &mut exit).await.is_err() {
                identity.signal(Signal::SIGKILL);
                exit.await?;
            }
        }
        Ok(outcome)
    }

    async fn deadline(&self) {
        let end = self.run.record().created_at.saturating_add(i64::try_from(self.want.deadline).unwrap_or(i64::MAX).saturating_mul(1000));
        let left = end.saturating_sub(Time::now().millis());
        tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or_default())).await;
    }

    fn spec(&self) -> Result<Spec> {
        let record = self.run.record();
        let folder = self.shared.paths.job(&self.run.job)?;
        let files = image::files(&folder, &record.image);
        if !files.is_dir() {
            return Err(Error::refused("what it runs from is gone: deploy again"));
        }
        let sandbox = self.shared.sandbox(&self.run.folder)?;
        let home = self.run.folder.join("home");
        let place = self.shared.place(&files, home.to_str().unwrap_or_default());
        let mut vars: BTreeMap<String, Secret> = image::about(&folder, &record.image).env.into_iter().map(|(k, v)| (k, v.into())).collect();
        vars.extend(self.want.env.clone());
        let env = env::of_version(&vars, &place);
        let log = folder.join("log");
        file::folder(&log)?;
        let id = record.id.clone();
        Ok(Spec {
            record: spec::Record { id: record.id, app: self.run.job.clone(), created_at: record.created_at, ..spec::Record::default() },
            sandbox,
            env,
            command: image::command(&folder, &record.image, &self.want.command)?,
            log: Some(LogTarget { folder: log, source: String::new(), unit: id }),
            folder: files,
            ..Spec::default()
        })
    }

    /// A word of ours in the job's log.
    async fn note(&self, text: String) {
        let Ok(folder) = self.shared.paths.job(&self.run.job) else { return };
        let entry = Entry { millis: Time::now().millis(), source: "impaas".into(), unit: self.run.record().id, text };
        let write = move || {
            let log = folder.join("log");
            file::folder(&log).ok();
            append(&log, &[entry])
        };
        if let Ok(Err(e)) = tokio::task::spawn_blocking(write).await {
            tracing::warn!(job = self.run.job, "its log cannot be written: {e}");
        }
    }
}

/// The next attempt begins anew.
fn forget_attempt(folder: &Path) {
    for name in [PID, EXIT] {
        if let Err(e) = file::remove(&folder.join(name)) {
            tracing::error!(folder = %folder.display(), "{e:?}");
        }
    }
}

/// Of a run that ended, only the record is of use.
async fn tidy(folder: &Path) {
    forget_attempt(folder);
    let folder = folder.to_owned();
    let remove = move || {
        for name in ["home", "tmp"] {
            file::remove_folder(&folder.join(name)).ok();
        }
        file::remove(&folder.join(SPEC)).ok();
    };
    let _ = tokio::task::spawn_blocking(remove).await;
}
