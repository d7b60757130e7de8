//! Jobs come, change, run and go.

use std::{path::PathBuf, sync::Arc};

use super::{
    Job, State, image,
    record::Record,
    run::{self, Run},
    state, ticker,
};
use crate::{
    clock::Time,
    error::{Error, Result},
    provisioner::{
        JobEnd, JobState,
        local::{file, shared::Shared, start as units},
    },
};

/// Ended runs that are kept, as Kubernetes does: those of the schedule that went well and that failed, and those that were asked for.
const KEPT: [usize; 3] = [3, 1, 20];
/// Ended runs are kept so long.
const OLDEST: i64 = 24 * 60 * 60 * 1000;

/// From now on the job runs like this.
pub async fn ensure(shared: &Arc<Shared>, want: JobState) -> Result<()> {
    let folder = shared.paths.job(&want.job)?;
    let current =
        image::current(&folder).ok_or_else(|| Error::refused(format!("job {:?} has no image on this machine: deploy it", want.job)))?;
    image::command(&folder, &current, &want.command)?;
    let job = shared.jobs.get_or_new(&want.job);
    let _turn = job.turn.lock().await;
    state::save(&folder, &want, shared.config.vault.as_ref())?;
    let before = job.state().wanted.replace(want.clone());
    if before.is_none_or(|before| before.schedule != want.schedule) {
        let now = Time::now();
        state::save_seen(&folder, now)?;
        job.state().seen = now;
    }
    job.changed.notify_one();
    tick(shared, &job);
    Ok(())
}

fn tick(shared: &Arc<Shared>, job: &Arc<Job>) {
    if !std::mem::replace(&mut job.state().ticks, true) {
        tokio::spawn(ticker::tick(shared.clone(), job.clone()));
    }
}

/// Takes over a job that an earlier server left.
pub async fn start(shared: &Arc<Shared>, name: &str) -> Result<()> {
    let folder = shared.paths.job(name)?;
    image::sweep(&folder)?;
    let runs = folder.join("runs");
    let want = state::load(&folder, shared.config.vault.as_ref());
    let Ok(Some(want)) = want else {
        // Also when it cannot be read: better no run than one that nobody knows.
        units::sweep(&runs).await;
        return want.map(drop);
    };
    let job = shared.jobs.get_or_new(name);
    for id in file::entries(&runs) {
        match Record::read(&runs.join(&id)) {
            Some(record) => resume(shared, &job, &want, Run::known(name, runs.join(&id), record)),
            None => units::end(&runs.join(&id)).await,
        }
    }
    {
        let mut state = job.state();
        state.runs.sort_by_key(|run| run.record().created_at);
        state.seen = state::seen(&folder).unwrap_or_else(Time::now);
        state.wanted = Some(want);
    }
    tick(shared, &job);
    Ok(())
}

fn resume(shared: &Arc<Shared>, job: &Arc<Job>, want: &JobState, run: Arc<Run>) {
    job.state().runs.push(run.clone());
    if run.goes_on() {
        shared.tasks.spawn(run::supervise(shared.clone(), job.clone(), run, want.clone()));
    }
}

/// Begins a run. The caller has the job's turn.
pub fn begin(shared: &Arc<Shared>, job: &Arc<Job>, want: JobState, mut record: Record) -> Result<()> {
    let folder = shared.paths.job(&job.name)?;
    record.image = image::current(&folder).unwrap_or_default();
    let run = Run::create(&job.name, run_folder(shared, &job.name, &record.id)?, record)?;
    job.state().runs.push(run.clone());
    shared.tasks.spawn(run::supervise(shared.clone(), job.clone(), run, want));
    Ok(())
}

fn run_folder(shared: &Shared, job: &str, id: &str) -> Result<PathBuf> {
    Ok(shared.paths.job(job)?.join("runs").join(id))
}

/// Runs it now.
pub async fn trigger(shared: &Arc<Shared>, name: &str) -> Result<()> {
    let job = shared.jobs.get(name);
    let job = job.ok_or_else(|| Error::refused(format!("job {name:?} has no image yet: deploy it first")))?;
    let _turn = job.turn.lock().await;
    let want = job.state().wanted.clone().ok_or_else(|| Error::refused(format!("job {name:?} has no image yet: deploy it first")))?;
    let now = Time::now().millis();
    let id = format!("{name}-manual-job-{}", now / 60_000);
    let known: Vec<String> = job.state().runs.iter().map(|run| run.record().id).collect();
    let free = std::iter::once(id.clone()).chain((2_u32..).map(|n| format!("{id}-{n}"))).find(|id| !known.contains(id));
    begin(shared, &job, want, Record { id: free.unwrap_or(id), manual: true, created_at: now, ..Record::default() })
}

/// Ends a run and forgets it.
pub async fn kill(shared: &Shared, name: &str, unit: &str, force: bool) -> Result<()> {
    let not_there = || Error::not_found(format!("unit {unit:?} not found"));
    let job = shared.jobs.get(name).ok_or_else(not_there)?;
    let run = job.state().runs.iter().find(|run| run.record().id == unit).cloned().ok_or_else(not_there)?;
    end_run(&job, &run, force).await
}

/// Ends a run and forgets it.
pub(super) async fn end_run(job: &Job, run: &Arc<Run>, force: bool) -> Result<()> {
    run.stop(force);
    run.over().await;
    job.state().runs.retain(|known| !Arc::ptr_eq(known, run));
    remove_folder(run.folder.clone()).await
}

async fn remove_folder(folder: PathBuf) -> Result<()> {
    tokio::task::spawn_blocking(move || file::remove_folder(&folder)).await.map_err(Error::internal)?
}

/// Ends every run and forgets the job.
pub async fn remove(shared: &Shared, name: &str) -> Result<()> {
    let folder = shared.paths.job(name)?;
    if let Some(job) = shared.jobs.get(name) {
        let _turn = job.turn.lock().await;
        job.gone.cancel();
        let runs = job.state().runs.clone();
        runs.iter().for_each(|run| run.stop(false));
        for run in &runs {
            run.over().await;
        }
        shared.jobs.forget(name);
    }
    remove_folder(shared.paths.cache(&image::cache(name))?).await?;
    remove_folder(folder).await
}

/// The graceful end of the server: what runs ends, and begins again at the next start.
pub async fn stop_all(shared: &Shared) {
    shared.jobs.closed.cancel();
    for job in shared.jobs.all() {
        let runs = job.state().runs.clone();
        for run in runs {
            run.over().await;
        }
    }
}

/// The end of a run is noted.
pub fn note_end(shared: &Shared, end: &JobEnd) -> Result<()> {
    let Some(job) = shared.jobs.get(&end.job) else { return Ok(()) };
    let mut state = job.state();
    let run = state.runs.iter().find(|run| run.record().id == end.unit).cloned();
    run.map_or(Ok(()), |run| run.change(|record| record.noted = true))?;
    state.forget_old();
    Ok(())
}

impl State {
    /// Forgets ended runs that are old or many.
    pub(super) fn forget_old(&mut self) {
        let oldest = Time::now().millis() - OLDEST;
        let mut left = KEPT;
        let mut kept = Vec::new();
        for run in self.runs.drain(..).rev() {
            let record = run.record();
            let room = match (&record.end, record.manual) {
                (None, _) => None,
                (Some(_), true) => left.get_mut(2),
                (Some(end), false) => left.get_mut(usize::from(end.failure.is_some())),
            };
            let stays = match (&record.end, room) {
                (Some(end), Some(room)) => {
                    let stays = *room > 0 && end.at > oldest;
                    *room = room.saturating_sub(1);
                    // Until its end was noted, a run is not forgotten.
                    stays || (!record.noted && kept.len() < 100)
                }
                _ => true,
            };
            if stays {
                kept.push(run);
            } else if let Err(e) = file::remove_folder(&run.folder) {
                tracing::warn!(run = record.id, "{e:?}");
            }
        }
        kept.reverse();
        self.runs = kept;
    }
}
