//! What a version runs, from the two files and the image's own settings; told as tsuru's deploys tell it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    agent::message::{ImageConfig, TsuruConfig},
    processes::WEB,
    procfile,
    tsuru_yaml::{self, TsuruYaml},
};
use crate::{
    error::{Error, Result},
    output::Output,
};

/// Commands by process, and what `tsuru.yaml` says.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// As tsuru stores them: one element is a shell line, several are an argv.
    pub processes: BTreeMap<String, Vec<String>>,
    /// The parsed file.
    pub config: TsuruYaml,
    /// Ports the image exposes.
    pub exposed_ports: Vec<String>,
}

/// A command, and where it was found.
type Known = BTreeMap<String, (Vec<String>, &'static str)>;

/// Reads what the build service found.
pub fn read(found: TsuruConfig, out: &Output) -> Result<Found> {
    let config = yaml(&found.tsuru_yaml, out)?;
    let image = found.image.unwrap_or_default();
    let mut known = commands(&found.procfile, &config, out)?;
    if known.is_empty() {
        known.insert(WEB.into(), (of_image(&image, out)?, "dockerfile"));
    }
    for (name, (command, place)) in &known {
        let command = command.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ");
        out.action(&format!("Process {name:?} found with commands: [{command}] (defined in: {place:?})"));
    }
    let processes = known.into_iter().map(|(name, (command, _))| (name, command)).collect();
    Ok(Found { processes, config, exposed_ports: image.exposed_ports })
}

fn yaml(text: &str, out: &Output) -> Result<TsuruYaml> {
    if text.is_empty() {
        return Ok(TsuruYaml::default());
    }
    out.action("Tsuru config file (tsuru.yaml) found");
    out.line(text);
    let config = tsuru_yaml::parse(text)?;
    warn(text, out);
    Ok(config)
}

fn commands(procfile: &str, config: &TsuruYaml, out: &Output) -> Result<Known> {
    let mut known = Known::new();
    let mut add = |name: &str, command: &str, place| {
        if !command.trim().is_empty() {
            known.entry(name.to_owned()).or_insert_with(|| (vec![command.trim().to_owned()], place));
        }
    };
    if !config.processes.is_empty() {
        out.action("Using 'processes' configuration from tsuru.yaml");
        if config.healthcheck.is_some() {
            out.action("WARNING: Global healthcheck configuration will be IGNORED when YML contains 'processes' configuration");
        }
        // Of a name that comes twice the last counts.
        config.processes.iter().rev().for_each(|process| add(&process.name, &process.command, "tsuru.yaml"));
        if !procfile.is_empty() {
            out.action(
                "WARNING: Individual Procfile processes will be IGNORED when YML defines the same process configuration (name and command)",
            );
        }
    }
    procfile::parse(procfile)?.iter().for_each(|(name, command)| add(name, command, "Procfile"));
    Ok(known)
}

fn of_image(image: &ImageConfig, out: &Output) -> Result<Vec<String>> {
    out.action(
        "neither the Procfile nor the processes commands in tsuru.yaml were found; using ENTRYPOINT and CMD defined in the image instead.",
    );
    let command = [image.entrypoint.as_slice(), image.command.as_slice()].concat();
    if command.is_empty() { Err(Error::refused("neither Procfile nor entrypoint and cmd set")) } else { Ok(command) }
}

const CHECK: [&str; 7] = ["headers", "path", "scheme", "command", "allowed_failures", "interval_seconds", "timeout_seconds"];
const HEALTH_ONLY: [&str; 2] = ["deploy_timeout_seconds", "force_restart"];

/// Names the fields of checks that mean nothing.
fn warn(text: &str, out: &Output) {
    let Ok(Value::Object(all)) = serde_saphyr::from_str::<Value>(text) else { return };
    let lists = [Some(&all)].into_iter().chain(processes(&all));
    for holder in lists {
        let Some(holder) = holder else {
            return out.action("WARNING: invalid process configuration on tsuru.yaml");
        };
        if !warn_check(holder, "healthcheck", &HEALTH_ONLY, out) || !warn_check(holder, "startupcheck", &[], out) {
            return;
        }
    }
    if all.get("processes").is_some_and(|processes| !processes.is_array()) {
        out.action("WARNING: invalid processes configuration on tsuru.yaml");
    }
}

fn processes(all: &Map<String, Value>) -> impl Iterator<Item = Option<&Map<String, Value>>> {
    all.get("processes").and_then(Value::as_array).into_iter().flatten().map(Value::as_object)
}

/// False for a check that is none.
fn warn_check(holder: &Map<String, Value>, check: &str, more: &[&str], out: &Output) -> bool {
    let Some(found) = holder.get(check) else { return true };
    let Some(fields) = found.as_object() else {
        out.action(&format!("WARNING: invalid {check} configuration on tsuru.yaml"));
        return false;
    };
    let known: BTreeSet<&str> = CHECK.iter().chain(more).copied().collect();
    for field in fields.keys().collect::<BTreeSet<_>>() {
        if !known.contains(field.as_str()) {
            out.action(&format!("WARNING: invalid or deprecated {check} field {field:?} found in tsuru.yaml"));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::output::Sink;

    #[derive(Default)]
    struct Heard(Mutex<String>);

    impl Sink for Heard {
        fn write(&self, text: &str) {
            self.0.lock().unwrap().push_str(text);
        }
    }

    fn said(procfile: &str, tsuru_yaml: &str, command: &[&str]) -> (Result<Found>, String) {
        let heard = Arc::new(Heard::default());
        let image = ImageConfig { command: command.iter().map(ToString::to_string).collect(), ..ImageConfig::default() };
        let found = TsuruConfig { procfile: procfile.into(), tsuru_yaml: tsuru_yaml.into(), image: Some(image) };
        let read = read(found, &Output::to(heard.clone()));
        let text = heard.0.lock().unwrap().clone();
        (read, text)
    }

    #[test]
    fn a_procfile_and_a_yaml_are_told_as_tsuru_does() {
        let (found, text) = said("web: python3 app.py\n", "healthcheck:\n  path: /\n", &[]);
        assert_eq!(found.unwrap().processes["web"], ["python3 app.py"]);
        assert_eq!(
            text,
            " ---> Tsuru config file (tsuru.yaml) found\nhealthcheck:\n  path: /\n\n \
             ---> Process \"web\" found with commands: [\"python3 app.py\"] (defined in: \"Procfile\")\n"
        );
    }

    #[test]
    fn the_yaml_wins_over_the_procfile_and_says_so() {
        let yaml = "healthcheck: {path: /, use_in_router: true}\nprocesses:\n- {name: web, command: a, startupcheck: {force_restart: true}}\n- {name: web, command: b}\n";
        let (found, text) = said("web: c\nworker: d\n", yaml, &[]);
        let found = found.unwrap();
        assert_eq!((found.processes["web"][0].as_str(), found.processes["worker"][0].as_str()), ("b", "d"));
        let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(" ---> ")).skip(1).collect();
        assert_eq!(
            lines,
            [
                "WARNING: invalid or deprecated healthcheck field \"use_in_router\" found in tsuru.yaml",
                "WARNING: invalid or deprecated startupcheck field \"force_restart\" found in tsuru.yaml",
                "Using 'processes' configuration from tsuru.yaml",
                "WARNING: Global healthcheck configuration will be IGNORED when YML contains 'processes' configuration",
                "WARNING: Individual Procfile processes will be IGNORED when YML defines the same process configuration (name and command)",
                "Process \"web\" found with commands: [\"b\"] (defined in: \"tsuru.yaml\")",
                "Process \"worker\" found with commands: [\"d\"] (defined in: \"Procfile\")",
            ]
        );
    }

    #[test]
    fn an_image_runs_what_it_says_itself() {
        let (found, text) = said("", "", &["python3", "/app.py"]);
        assert_eq!(found.unwrap().processes["web"], ["python3", "/app.py"]);
        assert!(text.ends_with("commands: [\"python3\" \"/app.py\"] (defined in: \"dockerfile\")\n"), "{text}");
        let (found, _) = said("", "", &[]);
        assert_eq!(found.unwrap_err().to_string(), "neither Procfile nor entrypoint and cmd set");
    }

    #[test]
    fn a_yaml_that_is_none_is_shown_and_refused() {
        let (found, text) = said("web: a\n", "healthcheck: [\n", &[]);
        assert!(found.unwrap_err().to_string().starts_with("failed to decode Tsuru YAML: "));
        assert!(text.contains("healthcheck: [\n"));
    }
}
