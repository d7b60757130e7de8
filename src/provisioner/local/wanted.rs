//! The wanted state: kept in a file, compared by fingerprint.

use std::{io::ErrorKind, path::Path};

use sha2::{Digest, Sha256};

use super::file;
use crate::{
    error::{Error, Result},
    provisioner::{AppState, PodPlace, ProcessState, Vault},
};

/// The state last kept. It is sealed: it holds the app's environment.
pub fn load(path: &Path, vault: &dyn Vault) -> Result<Option<AppState>> {
    let sealed = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let clear = vault.open(&place(path), &sealed)?;
    serde_json::from_str(&clear).map(Some).map_err(|e| Error::internal(format!("{}: {e}", path.display())))
}

/// Keeps a state.
pub fn save(path: &Path, state: &AppState, vault: &dyn Vault) -> Result<()> {
    let clear = serde_json::to_string(state).map_err(Error::internal)?;
    file::replace(path, vault.seal(&place(path), &clear)?.as_bytes())
}

/// The app's folder names the place, so that a state does not open as another app's.
fn place(path: &Path) -> String {
    let app = path.parent().and_then(Path::file_name).unwrap_or_default();
    format!("local/{}/state", app.to_string_lossy())
}

/// Of everything that makes a unit what it is: a unit with another fingerprint is replaced. How many there are, and whether requests
/// go to them, can change around a unit; what only a cluster wants to know makes no difference.
pub fn fingerprint(platform: &str, process: &ProcessState) -> String {
    let around = ProcessState { units: 0, past_units: 0, routable: false, pod: PodPlace::default(), ..process.clone() };
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

    /// Turns a text around: enough to see that what is on disk went through it.
    #[derive(Debug)]
    struct Mirror;

    impl Vault for Mirror {
        fn seal(&self, place: &str, clear: &str) -> Result<String> {
            Ok(format!("{place}|{}", clear.chars().rev().collect::<String>()))
        }

        fn open(&self, place: &str, sealed: &str) -> Result<String> {
            let text = sealed.strip_prefix(&format!("{place}|")).ok_or_else(|| Error::internal("another place"))?;
            Ok(text.chars().rev().collect())
        }
    }

    #[test]
    fn a_state_is_sealed_on_disk_and_comes_back_with_its_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        assert!(load(&path, &Mirror).unwrap().is_none());
        let env = [("KEY".to_owned(), Secret::new("hush"))].into();
        let state = AppState { app: "a".into(), processes: vec![ProcessState { env, ..web() }], ..AppState::default() };
        save(&path, &state, &Mirror).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("hush"));
        assert_eq!(load(&path, &Mirror).unwrap().unwrap().processes[0].env["KEY"].expose(), "hush");
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
