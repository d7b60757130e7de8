//! From one wanted state to the next without losing a request.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream::select_all};
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::WatchStream;

use super::{
    app::App,
    exec::{self, Within},
    file, launch, log,
    plan::{self, Step},
    ready,
    running::Running,
    shared::Shared,
    start, wanted,
};
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{AppState, LogQuery, UnitStatus},
};

/// For requests that a leaving unit is answering.
const DRAIN: Duration = Duration::from_secs(30);
/// The same, when the app itself goes.
const LAST_DRAIN: Duration = Duration::from_secs(3);
/// Of a failed unit's log, in the error.
const LAST_LINES: usize = 20;

/// Brings an app to a state. On an error, or when dropped on the way, the earlier state stays.
pub async fn apply(shared: &Arc<Shared>, want: AppState, out: &Output) -> Result<()> {
    let app = shared.app_or_new(&want.app);
    let _turn = app.turn.lock().await;
    file::folder(&shared.paths.app(&want.app)?)?;
    for process in want.processes.iter().filter(|process| process.units > 0) {
        launch::check(shared, &want.app, process)?;
    }
    let before = app.state().units.clone();
    let mut attempt = Attempt { shared: shared.clone(), app: app.clone(), fresh: Vec::new() };
    let steps = plan::steps(&want, &before);
    for step in steps.iter().filter(|step| !step.is_idle()) {
        if let Err(e) = attempt.step(step, &want, out).await {
            out.write(if before.is_empty() {
                "\n**** DELETING CREATED UNITS AFTER FAILURE ****\n"
            } else {
                "\n**** ROLLING BACK AFTER FAILURE ****\n"
            });
            attempt.undo().await;
            return Err(e);
        }
    }
    let changed = !steps.iter().all(Step::is_idle);
    attempt.commit(want, steps.into_iter().flat_map(|step| step.kept).collect())?;
    if changed {
        tell_end(&app, out);
    }
    Ok(())
}

fn tell_end(app: &App, out: &Output) {
    out.line("");
    out.section("Cleaning up resources");
    let serves = app.wanted().is_some_and(|wanted| wanted.processes.iter().any(|process| process.routable && process.units > 0));
    if serves {
        out.line("");
        out.section("Updating router [local]");
    }
}

/// A rollout under way.
struct Attempt {
    shared: Arc<Shared>,
    app: Arc<App>,
    fresh: Vec<Arc<Running>>,
}

impl Attempt {
    /// Starts what a process lacks and waits until it is ready.
    async fn step(&mut self, step: &Step, want: &AppState, out: &Output) -> Result<()> {
        let (name, version, total) = (&step.process.name, step.process.version, step.process.units);
        if step.kept.is_empty() {
            out.section(&format!("Updating units [{name}] [version {version}]"));
        }
        if let Some(why) = self.shared.no_sandbox.as_ref().filter(|_| total > 0) {
            out.action(&format!("WARNING: units are not separated from this machine, which does not allow user namespaces: {why}"));
        }
        out.line("");
        out.action(&format!("Waiting for units to be ready [{name}] [version {version}]"));
        let mut units = Vec::new();
        for _ in 0..step.missing {
            let unit = start::fresh(&self.shared, &want.app, &want.platform, step)?;
            units.push(unit.clone());
            self.fresh.push(unit.clone());
            self.app.state().fresh.push(unit.clone());
            start::supervise(&self.shared, &self.app, unit, None);
        }
        out.action(&format!("{total} of {total} new units created"));
        let deadline = Instant::now() + ready::patience(&step.process);
        wait_until_ready(&self.shared, step, &units, deadline, out).await?;
        out.action("All units ready");
        self.after(step, &units, out).await
    }

    /// `hooks.restart.after`.
    async fn after(&self, step: &Step, units: &[Arc<Running>], out: &Output) -> Result<()> {
        for unit in units {
            for hook in &step.process.after {
                let job = exec::job_of(&self.shared, &unit.record.app, Within::unit(unit), vec![hook.clone()])?;
                let code = exec::stream(&self.shared, job, |text| out.write(text)).await?;
                if code != 0 {
                    return Err(Error::refused(format!("hooks.restart.after: {hook:?} ended with exit code {code}")));
                }
            }
        }
        Ok(())
    }

    /// The new state counts: kept on disk, then in the router, then the old units leave.
    fn commit(mut self, want: AppState, kept: Vec<Arc<Running>>) -> Result<()> {
        wanted::save(&self.shared.paths.state(&want.app)?, &want, self.shared.config.vault.as_ref())?;
        let old = {
            let mut state = self.app.state();
            let units = kept.into_iter().chain(std::mem::take(&mut self.fresh)).collect();
            let before = std::mem::replace(&mut state.units, units);
            let stays = |unit: &Arc<Running>| state.units.iter().any(|now| Arc::ptr_eq(now, unit));
            let old: Vec<_> = before.into_iter().filter(|unit| !stays(unit)).collect();
            state.fresh.clear();
            state.leaving.extend(old.iter().cloned());
            state.wanted = Some(want);
            old
        };
        self.app.reroute(&self.shared.gate.table);
        for unit in old {
            self.shared.tasks.spawn(retire(self.app.clone(), unit, DRAIN));
        }
        Ok(())
    }

    async fn undo(&mut self) {
        let units = self.abandon();
        join_all(units.iter().map(|unit| unit.stopped())).await;
    }

    fn abandon(&mut self) -> Vec<Arc<Running>> {
        let units = std::mem::take(&mut self.fresh);
        self.app.state().fresh.clear();
        units.iter().for_each(|unit| unit.kill());
        units
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Ends a unit that the router no longer knows.
pub async fn retire(app: Arc<App>, unit: Arc<Running>, patience: Duration) {
    if let Some(backend) = unit.backend() {
        backend.drain(patience).await;
    }
    unit.stop();
    unit.stopped().await;
    app.state().leaving.retain(|one| !Arc::ptr_eq(one, &unit));
}

async fn wait_until_ready(shared: &Shared, step: &Step, fresh: &[Arc<Running>], deadline: Instant, out: &Output) -> Result<()> {
    let total = step.process.units;
    let ready = || step.kept.iter().chain(fresh).filter(|unit| unit.now().status == UnitStatus::Started).count();
    let mut told = ready();
    if told < total as usize {
        out.action(&format!("{told} of {total} new units ready"));
    }
    if step.leaving > 0 && step.kept.is_empty() {
        out.action(&format!("{} old units pending termination", step.leaving));
    }
    out.action(&format!("waiting healthcheck on {total} created units"));
    let mut changes = select_all(fresh.iter().map(|unit| WatchStream::new(unit.changes())));
    while fresh.iter().any(|unit| unit.now().status != UnitStatus::Started) {
        if let Some(failed) = fresh.iter().find(|unit| unit.now().status == UnitStatus::Error) {
            return Err(failure(shared, failed, &format!("ended before it was ready: {}", failed.now().reason)));
        }
        let Ok(change) = timeout_at(deadline, changes.next()).await else {
            return Err(too_late(shared, step, fresh));
        };
        if change.is_none() {
            return Err(Error::unavailable("the server is ending"));
        }
        let now = ready();
        if now > told {
            told = now;
            out.action(&format!("{told} of {total} new units ready"));
        }
    }
    if step.missing == 0 {
        out.action(&format!("{total} of {total} new units ready"));
    }
    Ok(())
}

fn too_late(shared: &Shared, step: &Step, fresh: &[Arc<Running>]) -> Error {
    let seconds = ready::patience(&step.process).as_secs();
    match fresh.iter().find(|unit| unit.now().status != UnitStatus::Started) {
        Some(unit) => failure(shared, unit, &format!("was not ready after {seconds}s: {}", unit.now().reason)),
        None => Error::refused(format!("units were not ready after {seconds}s")),
    }
}

/// Why a unit failed, with the end of its log.
fn failure(shared: &Shared, unit: &Running, why: &str) -> Error {
    let record = &unit.record;
    let query = LogQuery { app: record.app.clone(), lines: LAST_LINES, units: vec![record.id.clone()], ..LogQuery::default() };
    let lines = shared.paths.log(&record.app).map(|folder| log::last(&folder, &query).0).unwrap_or_default();
    let what = format!("unit {} of process \"{}\" [version {}] {why}", record.id, record.process, record.version);
    if lines.is_empty() {
        return Error::refused(format!("{what}; it printed nothing"));
    }
    let shown: String = lines.iter().map(|line| format!("\n    {}", line.message)).collect();
    Error::refused(format!("{what}; its last lines were:{shown}"))
}

/// Stops everything of an app and forgets it.
pub async fn remove(shared: &Arc<Shared>, name: &str, out: &Output) -> Result<()> {
    let app = shared.app_or_new(name);
    let _turn = app.turn.lock().await;
    file::remove(&shared.paths.state(name)?)?;
    let wanted = app.state().wanted.take();
    shared.gate.table.remove(name);
    for process in wanted.iter().flat_map(|wanted| &wanted.processes) {
        out.section(&format!("Updating units [{}] [version {}]", process.name, process.version));
        out.line("");
        out.action(&format!("Waiting for units to be ready [{}] [version {}]", process.name, process.version));
        out.action("0 of 0 new units created");
        out.action("0 of 0 new units ready");
        out.action("All units ready");
        out.line("");
        out.section("Cleaning up resources");
    }
    let units = app.all_units();
    join_all(units.into_iter().map(|unit| retire(app.clone(), unit, LAST_DRAIN))).await;
    let folders = [shared.paths.app(name)?, shared.paths.cache(name)?];
    tokio::task::spawn_blocking(move || folders.iter().try_for_each(|folder| file::remove_folder(folder)))
        .await
        .map_err(Error::internal)??;
    shared.forget(name);
    Ok(())
}

/// Ends one unit after, or with `force` before, another took its place.
pub async fn replace(shared: &Arc<Shared>, name: &str, id: &str, force: bool) -> Result<()> {
    let missing = || Error::not_found(format!("unit \"{id}\" not found"));
    let app = shared.app(name).ok_or_else(missing)?;
    let _turn = app.turn.lock().await;
    let (unit, wanted) = {
        let state = app.state();
        let unit = state.units.iter().find(|unit| unit.record.id == id).cloned();
        (unit.ok_or_else(missing)?, state.wanted.clone().ok_or_else(missing)?)
    };
    let process = wanted::process(&wanted, unit.record.version, &unit.record.process).ok_or_else(missing)?.clone();
    let patience = ready::patience(&process);
    let fingerprint = unit.record.fingerprint.clone();
    let step = Step { process, fingerprint, kept: Vec::new(), missing: 1, leaving: 1 };
    let next = start::fresh(shared, name, &wanted.platform, &step)?;
    app.state().units.push(next.clone());
    start::supervise(shared, &app, next.clone(), None);
    if force {
        unit.kill();
    } else {
        let ready = async { drop(next.changes().wait_for(|live| live.status == UnitStatus::Started).await) };
        let _ = tokio::time::timeout(patience, ready).await;
    }
    {
        let mut state = app.state();
        state.units.retain(|one| !Arc::ptr_eq(one, &unit));
        state.leaving.push(unit.clone());
    }
    app.reroute(&shared.gate.table);
    let patience = if force { Duration::ZERO } else { DRAIN };
    shared.tasks.spawn(retire(app.clone(), unit, patience));
    Ok(())
}

/// Ends every unit, all at once; what is wanted stays.
pub async fn stop_all(shared: &Arc<Shared>) {
    let apps = shared.all_apps();
    let units = apps.iter().flat_map(|app| app.all_units().into_iter().map(|unit| retire(app.clone(), unit, LAST_DRAIN)));
    join_all(units).await;
    shared.tasks.close();
    shared.tasks.wait().await;
}

/// Host names change; units do not.
pub async fn set_cnames(shared: &Arc<Shared>, name: &str, cnames: &[String]) -> Result<()> {
    let app = shared.app_or_new(name);
    let _turn = app.turn.lock().await;
    let mut want = app.wanted().unwrap_or_else(|| AppState { app: name.into(), ..AppState::default() });
    want.cnames = cnames.to_vec();
    file::folder(&shared.paths.app(name)?)?;
    wanted::save(&shared.paths.state(name)?, &want, shared.config.vault.as_ref())?;
    app.state().wanted = Some(want);
    app.reroute(&shared.gate.table);
    Ok(())
}
