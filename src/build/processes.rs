//! Which processes a version has, from its two files.

use std::collections::BTreeMap;

use super::tsuru_yaml::TsuruYaml;

/// The process that requests go to, unless it is named otherwise.
pub const WEB: &str = "web";

/// Commands by process: those of `tsuru.yaml` that have a command, then the Procfile's for the names that are left.
///
/// Nothing in either file is an empty answer; then the image or platform says what runs as [`WEB`].
pub fn processes(procfile: &BTreeMap<String, String>, config: &TsuruYaml) -> BTreeMap<String, Vec<String>> {
    let own = config.processes.iter().map(|p| (&p.name, p.command.trim()));
    let all = procfile.iter().map(|(name, command)| (name, command.trim())).chain(own);
    all.filter(|(_, command)| !command.is_empty()).map(|(name, command)| (name.clone(), vec![command.to_owned()])).collect()
}

/// The main one of these processes: `web`, else the first by name.
pub fn main_process<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names.into_iter().min_by_key(|name| (*name != WEB, *name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{procfile, tsuru_yaml};

    #[test]
    fn the_yaml_overrides_the_procfile() {
        let procfile = procfile::parse("web: from procfile\nworker: w\nclock: c\n").unwrap();
        let yaml = "processes: [{name: web, command: ' from yaml '}, {name: worker}, {name: extra, command: e}]";
        let found = processes(&procfile, &tsuru_yaml::parse(yaml).unwrap());
        let expected = [("clock", "c"), ("extra", "e"), ("web", "from yaml"), ("worker", "w")];
        assert_eq!(found, expected.map(|(name, command)| (name.to_owned(), vec![command.to_owned()])).into());
    }

    #[test]
    fn nothing_said_is_nothing_found() {
        assert!(processes(&BTreeMap::new(), &TsuruYaml::default()).is_empty());
    }

    #[test]
    fn the_main_process_is_web_or_the_first_by_name() {
        assert_eq!(main_process(["a", "web", "z"]), Some("web"));
        assert_eq!(main_process(["worker", "api"]), Some("api"));
        assert_eq!(main_process([]), None);
    }
}
