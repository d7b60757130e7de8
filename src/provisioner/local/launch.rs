//! Starting a unit's shim.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use tokio::process::Child;

use super::{
    env, file,
    process::Identity,
    running::Running,
    shared::Shared,
    spec::{Bind, EXIT, LogTarget, PID, Spec},
};
use crate::{
    error::{Error, Result},
    provisioner::{Mount, ProcessState},
};

/// Where the shim says why it cannot run its unit.
const ERRORS: &str = "shim.err";

/// Writes the unit's record, then starts its shim. In this order: a crash in between leaves a record without a process, never a process
/// without a record.
pub fn unit(shared: &Shared, unit: &Running) -> Result<(Identity, Child)> {
    start(shared, &unit.folder, &spec(shared, unit)?)
}

/// The same for whatever is described like a unit.
pub fn start(shared: &Shared, folder: &Path, spec: &Spec) -> Result<(Identity, Child)> {
    file::folder(folder)?;
    file::remove(&folder.join(PID))?;
    file::remove(&folder.join(EXIT))?;
    let path = spec.write(folder)?;
    let errors = folder.join(ERRORS);
    let mut command = shim(shared);
    command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&errors)?);
    let mut command = tokio::process::Command::from(command);
    let child = command.spawn().map_err(|e| Error::internal(format!("cannot start {}: {e}", shared.config.program.display())))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
    // One that ended already has no identity; its exit is seen all the same.
    Ok((Identity::of(pid).unwrap_or_default(), child))
}

/// What a shim said that could not run its unit.
pub fn complaint(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(ERRORS)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The shim with an empty environment: nothing of the server's own reaches an app.
pub fn shim(shared: &Shared) -> Command {
    let mut command = Command::new(&shared.config.program);
    command.arg("unit").env_clear().current_dir("/");
    command
}

fn spec(shared: &Shared, unit: &Running) -> Result<Spec> {
    let app = &unit.record.app;
    let version = shared.version_folder(app, &unit.process)?;
    let sandbox = shared.sandbox(&unit.folder)?;
    let home = unit.folder.join("home");
    let place = shared.place(&version, home.to_str().unwrap_or_default());
    let env = env::of_process(&unit.process, &place, Some(unit.record.port));
    let mut sandbox = sandbox;
    if let Some(sandbox) = &mut sandbox {
        sandbox.binds = binds(shared, &unit.process.mounts)?;
    }
    let log = shared.paths.log(app)?;
    file::folder(&log)?;
    Ok(Spec {
        record: unit.record.clone(),
        sandbox,
        env,
        before: unit.process.before.clone(),
        command: unit.process.command.clone(),
        log: Some(LogTarget { folder: log, source: unit.record.process.clone(), unit: unit.record.id.clone() }),
        folder: version,
        ..Spec::default()
    })
}

/// Folders for an app's volumes, made when they are not there yet.
pub fn binds(shared: &Shared, mounts: &[Mount]) -> Result<Vec<Bind>> {
    let bind = |mount: &Mount| {
        let from = shared.paths.volume(&mount.volume)?;
        file::folder(&from)?;
        Ok(Bind { from, to: (&mount.path).into(), read_only: mount.read_only, over: None })
    };
    mounts.iter().map(bind).collect()
}

/// Refuses what this machine cannot run.
pub fn check(shared: &Shared, app: &str, process: &ProcessState) -> Result<()> {
    shared.version_folder(app, process)?;
    match (&shared.no_sandbox, process.mounts.first()) {
        (Some(why), Some(mount)) => Err(Error::refused(format!(
            "the volume \"{}\" cannot be mounted: this machine does not allow user namespaces ({why})",
            mount.volume
        ))),
        _ => Ok(()),
    }
}
