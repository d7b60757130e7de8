//! New units, and the units that a server finds at its start.

use std::{fs, path::Path, sync::Arc};

use nix::sys::signal::Signal;

use super::{
    app::App,
    build, file, plan,
    plan::Step,
    process::Identity,
    running::{self, Kind, Running},
    shared::Shared,
    spec::{PID, Record, SPEC, Spec},
    wanted, watch_exit,
};
use crate::{
    clock::Time,
    error::Result,
    provisioner::{AppState, ProcessState},
};

/// A new unit of a process, not running yet.
pub fn fresh(shared: &Shared, app: &str, platform: &str, step: &Step) -> Result<Arc<Running>> {
    let process = &step.process;
    let id = format!("{app}-{}-{:08x}", process.name, rand::random::<u32>());
    let kind = kind(shared, app, platform, process)?;
    let port = if kind == Kind::Process { shared.ports.take()? } else { 0 };
    let record = Record {
        app: app.into(),
        process: process.name.clone(),
        version: process.version,
        fingerprint: step.fingerprint.clone(),
        port,
        created_at: Time::now().millis(),
        id,
    };
    let folder = shared.paths.units(app)?.join(&record.id);
    Ok(Running::new(record, process.clone(), folder, kind))
}

fn kind(shared: &Shared, app: &str, platform: &str, process: &ProcessState) -> Result<Kind> {
    let files = build::is_static(platform) && process.command == [build::FILES];
    Ok(if files { Kind::Files(shared.version_folder(app, process)?) } else { Kind::Process })
}

/// Holds a unit up in the background.
pub fn supervise(shared: &Arc<Shared>, app: &Arc<App>, unit: Arc<Running>, adopted: Option<Identity>) {
    shared.tasks.spawn(running::supervise(shared.clone(), app.clone(), unit, adopted));
}

/// Takes over what an earlier server left: living units of wanted states go on, all else ends, what is missing starts.
pub async fn take_over(shared: &Arc<Shared>) -> Result<()> {
    sweep(&shared.paths.runs()).await;
    for name in file::entries(&shared.paths.apps()) {
        if let Err(e) = take_over_app(shared, &name).await {
            tracing::error!(app = name, "cannot take the app over: {e:?}");
        }
    }
    Ok(())
}

async fn take_over_app(shared: &Arc<Shared>, name: &str) -> Result<()> {
    build::sweep(&shared.paths.versions(name)?)?;
    let units = shared.paths.units(name)?;
    let want = wanted::load(&shared.paths.state(name)?, shared.config.vault.as_ref());
    let Ok(Some(want)) = want else {
        // Also when it cannot be read: better no unit than one that nobody knows.
        sweep(&units).await;
        return want.map(drop);
    };
    let app = shared.app_or_new(name);
    app.state().wanted = Some(want.clone());
    let mut strays = Vec::new();
    for id in file::entries(&units) {
        match living(&units.join(&id)) {
            Some((record, identity)) if is_wanted(&app, &want, &record) => adopt(shared, &app, &want, record, identity)?,
            _ => strays.push(id),
        }
    }
    for id in strays {
        end(&units.join(id)).await;
    }
    complete(shared, &app, &want);
    app.reroute(&shared.gate.table);
    Ok(())
}

/// The unit of a folder, if its shim lives.
fn living(folder: &Path) -> Option<(Record, Identity)> {
    let identity = Identity::read(&folder.join(PID)).filter(Identity::lives)?;
    Some((Spec::read(&folder.join(SPEC)).ok()?.record, identity))
}

/// There is room for it in the wanted state.
fn is_wanted(app: &App, want: &AppState, record: &Record) -> bool {
    let Some(process) = wanted::process(want, record.version, &record.process) else { return false };
    let state = app.state();
    let same = state.units.iter().filter(|unit| unit.record.version == record.version && unit.record.process == record.process);
    record.fingerprint == wanted::fingerprint(&want.platform, process) && same.count() < process.units as usize
}

fn adopt(shared: &Arc<Shared>, app: &Arc<App>, want: &AppState, record: Record, identity: Identity) -> Result<()> {
    let Some(process) = wanted::process(want, record.version, &record.process) else { return Ok(()) };
    shared.ports.keep(record.port);
    let folder = shared.paths.units(&app.name)?.join(&record.id);
    let unit = Running::new(record, process.clone(), folder, Kind::Process);
    app.state().units.push(unit.clone());
    supervise(shared, app, unit, Some(identity));
    Ok(())
}

/// Starts what a wanted state lacks.
fn complete(shared: &Arc<Shared>, app: &Arc<App>, want: &AppState) {
    let units = app.state().units.clone();
    for step in plan::steps(want, &units) {
        for _ in 0..step.missing {
            match fresh(shared, &app.name, &want.platform, &step) {
                Ok(unit) => {
                    app.state().units.push(unit.clone());
                    supervise(shared, app, unit, None);
                }
                Err(e) => tracing::error!(app = app.name, process = step.process.name, "cannot start a unit: {e:?}"),
            }
        }
    }
}

/// Ends and removes everything in a folder of units or runs.
pub async fn sweep(folder: &Path) {
    for id in file::entries(folder) {
        end(&folder.join(&id)).await;
    }
}

/// Ends what a folder belongs to and removes it. Renamed first: a shim that has not written its pid file yet cannot any more, and
/// gives up; one that has is found.
pub async fn end(folder: &Path) {
    let gone = folder.with_extension("gone");
    let _ = fs::rename(folder, &gone);
    if let Some(identity) = Identity::read(&gone.join(PID)).filter(Identity::lives) {
        tracing::warn!(folder = %folder.display(), pid = identity.pid, "ending what nobody wants any more");
        identity.signal(Signal::SIGQUIT);
        if tokio::time::timeout(std::time::Duration::from_secs(3), watch_exit::wait(&identity)).await.is_err() {
            identity.signal(Signal::SIGKILL);
            watch_exit::wait(&identity).await;
        }
    }
    let _ = file::remove_folder(&gone);
}
