//! Commands beside the units: same files, environment and sandbox.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, sync::Arc};

use tokio::{io::AsyncReadExt, net::unix::pipe};

use super::{env, file, launch, process::Identity, running::Running, shared::Shared, spec::Bind, spec::Spec, utf8::Decoder};
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{AppState, ProcessState, RunRequest},
    secret::Secret,
};

/// One command.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Files it works in.
    pub folder: PathBuf,
    /// Its environment; `HOME` is set here where there are no sandboxes.
    pub env: BTreeMap<String, Secret>,
    /// Further folders.
    pub binds: Vec<Bind>,
    /// One element: a shell line; several: an argv.
    pub command: Vec<String>,
    /// The terminal it works on.
    pub tty: Option<PathBuf>,
    /// The unit to run in; a sandbox of its own without.
    pub enter: Option<Identity>,
}

/// Where a command runs: like this process, and in this unit of it.
#[derive(Clone, Debug)]
pub struct Within {
    /// The process.
    pub process: ProcessState,
    /// The unit's port.
    pub port: Option<u16>,
    /// The unit's shim, while it runs.
    pub shim: Option<Identity>,
}

impl Within {
    /// In a running unit.
    pub fn unit(unit: &Running) -> Self {
        Self { process: unit.process.clone(), port: Some(unit.record.port), shim: unit.now().identity }
    }

    /// In an environment of its own.
    pub fn fresh(process: ProcessState) -> Self {
        Self { process, port: None, shim: None }
    }
}

/// A prepared run: its folder goes with it.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    /// Of the spec, for the shim.
    pub spec: PathBuf,
}

impl Run {
    /// Writes down what is to be run.
    pub fn prepare(shared: &Shared, job: Job) -> Result<Self> {
        let folder = shared.paths.runs().join(format!("{:016x}", rand::random::<u64>()));
        let mut sandbox = shared.sandbox(&folder)?;
        let enter = job.enter.filter(|_| sandbox.is_some());
        if let Some(sandbox) = &mut sandbox {
            sandbox.binds = job.binds;
        }
        let spec = Spec { sandbox, folder: job.folder, env: job.env, command: job.command, tty: job.tty, enter, ..Spec::default() };
        let spec = spec.write(&folder)?;
        Ok(Self { folder, spec })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = file::remove_folder(&self.folder);
    }
}

/// Runs to the end, streaming what is printed; gives the exit code. Dropped, it ends the command.
pub async fn stream(shared: &Shared, job: Job, out: impl Fn(&str)) -> Result<u8> {
    let run = Run::prepare(shared, job)?;
    let (from, to) = std::io::pipe()?;
    let mut command = tokio::process::Command::from(launch::shim(shared));
    command.arg(&run.spec).stdin(Stdio::null()).stdout(to.try_clone()?).stderr(to).kill_on_drop(true);
    let mut child = command.spawn()?;
    drop(command);
    let mut from = pipe::Receiver::from_owned_fd(from.into())?;
    let (mut piece, mut decoder) = (vec![0; 16 << 10], Decoder::default());
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            break;
        }
        out(&decoder.decode(piece.get(..count).unwrap_or_default()));
    }
    out(&decoder.rest());
    let status = child.wait().await?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(128 + 9))
}

/// Runs a command in a unit's environment without showing anything.
pub async fn quietly(shared: &Shared, unit: &Running, command: Vec<String>) -> Result<u8> {
    stream(shared, job_of(shared, &unit.record.app, Within::unit(unit), command)?, |_| {}).await
}

/// A command in a process's environment.
pub fn job_of(shared: &Shared, app: &str, within: Within, command: Vec<String>) -> Result<Job> {
    let Within { process, port, shim } = within;
    let folder = shared.version_folder(app, &process)?;
    let place = shared.place(&folder, "/tmp");
    let env = env::of_process(&process, &place, port);
    Ok(Job { env, binds: launch::binds(shared, &process.mounts)?, command, tty: None, enter: shim, folder })
}

/// `app run`.
pub async fn run(shared: &Arc<Shared>, request: RunRequest, out: &Output) -> Result<()> {
    let wanted = shared.deployed(&request.app)?;
    for within in targets(shared, &wanted, &request)? {
        let job = job_of(shared, &request.app, within, vec![request.command.clone()])?;
        let code = stream(shared, job, |text| out.write(text)).await?;
        if code != 0 {
            return Err(Error::refused(format!("command terminated with exit code {code}")));
        }
    }
    Ok(())
}

/// The environments to run in: of each unit, of one, or of the main process when there is no unit or it is to be a fresh one.
fn targets(shared: &Shared, wanted: &AppState, request: &RunRequest) -> Result<Vec<Within>> {
    let units = shared.app(&request.app).map(|app| app.state().units.clone()).unwrap_or_default();
    if request.isolated || units.is_empty() {
        return Ok(vec![Within::fresh(main(wanted)?)]);
    }
    let all = units.iter().map(|unit| Within::unit(unit));
    Ok(if request.once { all.take(1).collect() } else { all.collect() })
}

/// The main process of the newest version that answers requests, or of the newest.
pub fn main(wanted: &AppState) -> Result<ProcessState> {
    let best = wanted.processes.iter().max_by_key(|process| (process.routable, process.version));
    best.cloned().ok_or_else(|| Error::refused(format!("App {} has no deployed version: deploy it first", wanted.app)))
}

/// A unit by its name, or the first one; none when there is no unit.
pub fn of_unit(shared: &Shared, app: &str, unit: Option<&str>) -> Result<Option<Within>> {
    let units = shared.app(app).map(|app| app.state().units.clone()).unwrap_or_default();
    let chosen = match unit {
        Some(name) => {
            let named = units.iter().find(|unit| unit.record.id == name);
            Some(named.ok_or_else(|| Error::not_found(format!("unit \"{name}\" not found")))?)
        }
        None => units.first(),
    };
    Ok(chosen.map(|unit| Within::unit(unit)))
}
