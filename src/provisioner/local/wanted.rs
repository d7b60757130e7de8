//! The wanted state: kept in a file, compared by fingerprint.

use std::{io::ErrorKind, path::Path};

use sha2::{Digest, Sha256};

use super::file;
use crate::{
    error::{Error, Result},
    provisioner::{AppState, ProcessState},
};

/// The state last kept.
pub fn load(path: &Path) -> Result<Option<AppState>> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| Error::internal(format!("{}: {e}", path.display()))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Keeps a state.
pub fn save(path: &Path, state: &AppState) -> Result<()> {
    file::replace(path, &serde_json::to_vec(state).map_err(Error::internal)?)
}

/// Of everything that makes a unit what it is: a unit with another fingerprint is replaced. How many there are, and whether requests
/// go to them, can change around a unit.
pub fn fingerprint(platform: &str, process: &ProcessState) -> String {
    let around = ProcessState { units: 0, past_units: 0, routable: false, ..process.clone() };
    let text = serde_json::to_vec(&(platform, around)).unwrap_or_default();
    hex::encode(Sha256::digest(text)).chars().take(16).collect()
}

/// The process in a state, if it is wanted.
pub fn process<'a>(state: &'a AppState, version: u32, name: &str) -> Option<&'a ProcessState> {
    state.processes.iter().find(|process| process.version == version && process.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn web() -> ProcessState {
        ProcessState { version: 1, name: "web".into(), command: vec!["./web".into()], units: 1, ..ProcessState::default() }
    }

    #[test]
    fn a_state_comes_back_with_its_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        assert!(load(&path).unwrap().is_none());
        let env = [("KEY".to_owned(), Secret::new("hush"))].into();
        save(&path, &AppState { app: "a".into(), processes: vec![ProcessState { env, ..web() }], ..AppState::default() }).unwrap();
        assert_eq!(load(&path).unwrap().unwrap().processes[0].env["KEY"].expose(), "hush");
    }

    #[test]
    fn only_what_a_unit_is_changes_its_fingerprint() {
        let before = fingerprint("python", &web());
        for same in [ProcessState { units: 5, ..web() }, ProcessState { routable: true, ..web() }, ProcessState { past_units: 2, ..web() }]
        {
            assert_eq!(fingerprint("python", &same), before);
        }
        let env = [("KEY".to_owned(), Secret::new("x"))].into();
        for other in [ProcessState { restarted: 5, ..web() }, ProcessState { env, ..web() }, ProcessState { version: 2, ..web() }] {
            assert_ne!(fingerprint("python", &other), before);
        }
    }
}
