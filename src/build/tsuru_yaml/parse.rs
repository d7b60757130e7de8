//! From the text of a `tsuru.yaml` to what it says.

use std::path::Path;

use serde::Deserialize;

use super::TsuruYaml;
use crate::{
    build::procfile::{MAX_PROCESSES, is_process_name, read_text},
    error::{Error, Result},
    lenient::Lenient,
};

/// The names it may have at the root of an upload; the first one found counts.
pub const NAMES: [&str; 4] = ["tsuru.yml", "tsuru.yaml", "app.yml", "app.yaml"];

/// What is read of one at most.
pub const MAX_BYTES: usize = 256 * 1024;

/// A file found in an upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its name.
    pub file: &'static str,
    /// Its text, as the deploy's output shows it.
    pub text: String,
    /// What it says.
    pub config: TsuruYaml,
}

/// Reads the text of such a file; unknown keys are ignored.
pub fn parse(text: &str) -> Result<TsuruYaml> {
    parse_file("tsuru.yaml", text)
}

/// The first of [`NAMES`] in this folder, when there is one.
pub fn read(dir: &Path) -> Result<Option<Found>> {
    for file in NAMES {
        if let Some(text) = read_text(&dir.join(file), MAX_BYTES)? {
            let config = parse_file(file, &text)?;
            return Ok(Some(Found { file, text, config }));
        }
    }
    Ok(None)
}

/// All that is in the text of such a file.
pub fn document(text: &str) -> Result<serde_json::Value> {
    if text.trim().is_empty() {
        return Ok(serde_json::Value::Null);
    }
    let read = |d: serde_saphyr::Deserializer| serde_json::Value::deserialize(d);
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), read)
        .map_err(|e| Error::invalid(format!("failed to decode Tsuru YAML: {}", describe(&e))))
}

fn parse_file(file: &str, text: &str) -> Result<TsuruYaml> {
    if text.len() > MAX_BYTES {
        return Err(Error::invalid(format!("failed to decode Tsuru YAML: {file}: larger than {MAX_BYTES} bytes")));
    }
    let refusal = |why: String| Error::invalid(format!("failed to decode Tsuru YAML: {file}: {why}"));
    let read = |d: serde_saphyr::Deserializer| TsuruYaml::deserialize(Lenient(d));
    let config = serde_saphyr::with_deserializer_from_str_with_options(text, options(), read).map_err(|e| refusal(describe(&e)))?;
    check_processes(&config).map_err(refusal)?;
    Ok(config)
}

/// Names of processes become names of folders and of cluster objects, so they have the Procfile's shape.
fn check_processes(config: &TsuruYaml) -> Result<(), String> {
    if config.processes.len() > MAX_PROCESSES {
        return Err(format!("more than {MAX_PROCESSES} processes"));
    }
    let bad = config.processes.iter().find(|p| !is_process_name(&p.name) || p.command.contains('\0'));
    bad.map_or(Ok(()), |p| Err(format!("process {:?}: a name has 1 to 63 letters, digits, `-` or `_`, and a command no zero byte", p.name)))
}

/// Small limits: aliases that multiply ("YAML bombs") end here, not in memory.
fn options() -> serde_saphyr::Options {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_events = 50_000;
    budget.max_nodes = 25_000;
    budget.max_depth = 32;
    budget.flow_nesting_limit = 32;
    budget.max_aliases = 1_000;
    budget.max_anchors = 1_000;
    budget.max_recorded_anchor_events = 50_000;
    budget.max_total_scalar_bytes = 4 * MAX_BYTES;
    let mut limits = serde_saphyr::options::AliasLimits::default();
    limits.max_total_replayed_events = 50_000;
    limits.max_replay_stack_depth = 16;
    let mut options = serde_saphyr::Options::default();
    options.budget = Some(budget);
    options.alias_limits = limits;
    options.duplicate_keys = serde_saphyr::DuplicateKeyPolicy::LastWins;
    options
}

/// One line for the person who wrote the file.
fn describe(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
    text.lines().next().unwrap_or_default().replace("invalid u32", "not a whole number of 0 or more")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::build::tsuru_yaml::{Healthcheck, Process};

    const FULL: &str = "
hooks:
  restart:
    before: [python manage.py migrate]
    after:
  build:
    - python manage.py collectstatic
healthcheck:
  path: health
  headers: {X-Count: 5}
  allowed_failures: 1
  force_restart: true
  match: old key
startupcheck: {command: [sh, -c, true]}
processes:
  - name: web
    command: python app.py
    ports: [{name: http, port: 80, target_port: 8888}]
  - name: worker
    command: 42
    healthcheck: {path: /w}
kubernetes:
  groups:
    pod1:
      web: {ports: [{name: main, protocol: TCP, target_port: 8888}]}
unknown: {deep: [1, {a: b}]}
";

    fn message(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn reads_every_key_and_ignores_the_unknown() {
        let found = parse(FULL).unwrap();
        let hooks = found.hooks.unwrap();
        assert_eq!(hooks.restart.before, ["python manage.py migrate"]);
        assert!(hooks.restart.after.is_empty());
        assert_eq!(hooks.build, ["python manage.py collectstatic"]);
        let health = found.healthcheck.unwrap();
        assert_eq!((health.path.as_str(), health.allowed_failures, health.force_restart), ("health", 1, true));
        assert_eq!(health.headers["X-Count"], "5");
        assert_eq!(found.startupcheck.unwrap().command, ["sh", "-c", "true"]);
        assert_eq!(found.processes[0].ports[0].target_port, 8888);
        assert_eq!(found.processes[1].command, "42");
        assert_eq!(found.kubernetes.unwrap().groups["pod1"]["web"].ports.as_ref().unwrap()[0].protocol, "TCP");
    }

    #[test]
    fn names_match_in_any_case_and_empty_values_are_nothing() {
        let found = parse("Healthcheck: {Path: /x}\nhooks:\nprocesses:\n").unwrap();
        assert_eq!(found.healthcheck.unwrap().path, "/x");
        assert_eq!((found.hooks, found.processes.len()), (None, 0));
        for nothing in ["", "# only words\n", "---\n", "null"] {
            assert_eq!(parse(nothing).unwrap(), TsuruYaml::default(), "{nothing:?}");
        }
    }

    #[test]
    fn the_last_of_a_repeated_key_counts_and_anchors_work() {
        let text = "healthcheck: &h {path: /a, timeout_seconds: 7}\nstartupcheck: {<<: *h, path: /b}\nhealthcheck: {path: /c}\n";
        let found = parse(text).unwrap();
        assert_eq!(found.healthcheck.unwrap().path, "/c");
        let startup = found.startupcheck.unwrap();
        assert_eq!((startup.path.as_str(), startup.timeout_seconds), ("/b", 7));
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("app.yml"), "healthcheck:\n  path: /\n  interval_seconds: soon\n").unwrap();
        let text = read(dir.path()).unwrap_err().to_string();
        assert!(text.starts_with("failed to decode Tsuru YAML: app.yml: "), "{text}");
        assert!(text.contains("line 3"), "{text}");
        assert!(!text.contains('\n'), "{text}");
        assert!(message("hooks:\n  build: [a\nx: y").contains("line "));
        assert!(message("processes: web").contains("line 1"));
        assert!(message("- a\n").contains("line 1"));
    }

    #[test]
    fn the_first_name_in_order_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        std::fs::write(dir.path().join("app.yaml"), "healthcheck: {path: /d}").unwrap();
        std::fs::write(dir.path().join("tsuru.yaml"), "healthcheck: {path: /b}").unwrap();
        let found = read(dir.path()).unwrap().unwrap();
        assert_eq!((found.file, found.config.healthcheck.unwrap().path.as_str()), ("tsuru.yaml", "/b"));
        assert_eq!(found.text, "healthcheck: {path: /b}");
    }

    #[test]
    fn names_of_processes_cannot_be_paths() {
        for name in ["../../x", "a/b", "", "a b", &"n".repeat(64)] {
            assert!(parse(&format!("processes: [{{name: '{name}', command: x}}]")).is_err(), "{name}");
        }
        let many = "- {name: p, command: x}\n".repeat(101);
        assert!(message(&format!("processes:\n{many}")).contains("more than 100"));
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = String::from("x0: &x0 [a,a,a,a,a,a,a,a,a]\n");
        for i in 1..12 {
            let row = vec![format!("*x{}", i - 1); 9].join(",");
            bomb.push_str(&format!("x{i}: &x{i} [{row}]\n"));
        }
        bomb.push_str("hooks: {build: *x11}\n");
        assert!(parse(&bomb).is_err());
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse(&format!("unknown: {}", "{a: ".repeat(5_000))).is_err());
        assert!(parse(&" ".repeat(MAX_BYTES + 1)).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-z&*<>{}:\\[\\],!|\\-?#%@'\" \n\t0-9~]|healthcheck: |processes:\n- ){0,60}|\\PC{0,100}") {
            let _ = parse(&text);
        }

        #[test]
        fn reads_back_what_it_would_write(path in "\\PC{0,20}", command in "\\PC{0,20}", failures in any::<u32>()) {
            let health = Healthcheck { path, allowed_failures: failures, ..Healthcheck::default() };
            let process = Process { name: "web".into(), command, ..Process::default() };
            let config = TsuruYaml { healthcheck: Some(health), processes: vec![process], ..TsuruYaml::default() };
            // Every JSON text is a YAML text.
            prop_assert_eq!(parse(&serde_json::to_string(&config).unwrap()).unwrap(), config);
        }
    }
}
