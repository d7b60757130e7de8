//! What is kept of a job beside its runs.

use std::{io::ErrorKind, path::Path};

use crate::{
    clock::Time,
    error::{Error, Result},
    provisioner::{JobState, Vault, local::file},
};

const STATE: &str = "state.json";
const SEEN: &str = "seen";

/// The wanted state last kept in a job's folder. It is sealed: it holds the job's environment.
pub fn load(folder: &Path, vault: &dyn Vault) -> Result<Option<JobState>> {
    let path = folder.join(STATE);
    let sealed = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let clear = vault.open(&place(folder), &sealed)?;
    serde_json::from_str(&clear).map(Some).map_err(|e| Error::internal(format!("{}: {e}", path.display())))
}

/// Keeps a wanted state.
pub fn save(folder: &Path, state: &JobState, vault: &dyn Vault) -> Result<()> {
    let clear = serde_json::to_string(state).map_err(Error::internal)?;
    file::replace(&folder.join(STATE), vault.seal(&place(folder), &clear)?.as_bytes())
}

/// The job's folder names the place, so that a state does not open as another job's.
fn place(folder: &Path) -> String {
    format!("local/jobs/{}/state", folder.file_name().unwrap_or_default().to_string_lossy())
}

/// Up to when every time of the schedule was seen to.
pub fn seen(folder: &Path) -> Option<Time> {
    std::fs::read_to_string(folder.join(SEEN)).ok()?.trim().parse().ok().map(Time::from_millis)
}

/// Keeps that.
pub fn save_seen(folder: &Path, seen: Time) -> Result<()> {
    file::replace(&folder.join(SEEN), seen.millis().to_string().as_bytes())
}
