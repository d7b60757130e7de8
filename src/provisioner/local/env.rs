//! The environment of what runs.

use std::{collections::BTreeMap, path::Path};

use crate::{provisioner::ProcessState, secret::Secret};

/// Of a version's process: its app's, plus what the provisioner knows. `base` is where the process finds its files.
pub fn of_process(process: &ProcessState, place: &Place<'_>, port: Option<u16>) -> BTreeMap<String, Secret> {
    let mut env = of_version(&process.env, place);
    let mut own = vec![("TSURU_PROCESSNAME", process.name.clone()), ("TSURU_APPVERSION", process.version.to_string())];
    if let Some(port) = port {
        own.extend([("PORT", port.to_string()), ("port", port.to_string())]);
    }
    env.extend(own.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))));
    env
}

/// Where a process runs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The version's files on the machine.
    pub folder: &'a Path,
    /// The same as the process sees them.
    pub base: &'a str,
    /// Its home as it sees it.
    pub home: &'a str,
    /// The server's own search path, where toolchains are.
    pub path: &'a str,
}

/// Of anything that runs with a version's files.
pub fn of_version(app: &BTreeMap<String, Secret>, place: &Place<'_>) -> BTreeMap<String, Secret> {
    let Place { base, home, .. } = *place;
    let mut env: BTreeMap<String, Secret> = [("HOME", home), ("USER", "application"), ("LANG", "C.UTF-8"), ("PYTHONUNBUFFERED", "1")]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into();
    if place.folder.join(".venv").is_dir() {
        env.insert("VIRTUAL_ENV".into(), format!("{base}/.venv").into());
    }
    env.extend(app.clone());
    let path = app.get("PATH").map_or(place.path, Secret::expose);
    env.insert("PATH".into(), search_path(place, path).into());
    env
}

/// Programs of the version first. The version's folder itself is searched last, for what `go build` put there.
fn search_path(place: &Place<'_>, path: &str) -> String {
    let folders = [".venv/bin", "node_modules/.bin", "bin"].into_iter().filter(|name| place.folder.join(name).is_dir());
    let own = folders.map(|name| format!("{}/{name}", place.base));
    own.chain([path.to_owned(), place.base.to_owned()]).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_finds_its_versions_programs_first_and_its_port() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join(".venv/bin")).unwrap();
        let place = Place { folder: dir.path(), base: "/app", home: "/home/application", path: "/usr/bin" };
        let app = [("LANG".to_owned(), Secret::new("de_DE")), ("PORT".to_owned(), Secret::new("1"))].into();
        let process = ProcessState { version: 3, name: "web".into(), env: app, ..ProcessState::default() };
        let env = of_process(&process, &place, Some(20_001));
        let get = |name: &str| env[name].expose().to_owned();
        assert_eq!(get("PATH"), "/app/.venv/bin:/usr/bin:/app");
        assert_eq!(get("VIRTUAL_ENV"), "/app/.venv");
        assert_eq!((get("PORT"), get("port"), get("LANG")), ("20001".into(), "20001".into(), "de_DE".into()));
        assert_eq!((get("TSURU_PROCESSNAME"), get("TSURU_APPVERSION")), ("web".into(), "3".into()));
    }
}
