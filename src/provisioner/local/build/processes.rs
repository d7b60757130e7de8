//! What a version runs, and who said so.

use std::{collections::BTreeMap, path::Path};

use super::{go, platform::FILES, platform::Platform};
use crate::{
    build::{
        processes::{WEB, processes},
        procfile,
        tsuru_yaml::TsuruYaml,
    },
    error::{Error, Result},
    output::Output,
};

/// A process and where it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// As tsuru stores it.
    pub command: Vec<String>,
    /// For the deploy's output.
    pub defined_in: &'static str,
}

/// Processes by name.
pub type Known = BTreeMap<String, Process>;

/// Those of the upload's own files.
pub fn find(folder: &Path, config: &TsuruYaml) -> Result<Known> {
    let text = procfile::read(folder)?;
    let file = text.map(|text| procfile::parse(&text)).transpose()?.unwrap_or_default();
    let in_yaml = |name: &str| config.processes.iter().any(|process| process.name == name && !process.command.trim().is_empty());
    let known = processes(&file, config).into_iter().map(|(name, command)| {
        let defined_in = if in_yaml(&name) { "tsuru.yaml" } else { "Procfile" };
        (name, Process { command, defined_in })
    });
    Ok(known.collect())
}

/// With what the platform itself runs, where nothing was said.
pub fn with_default(mut known: Known, platform: Platform, folder: &Path) -> Result<Known> {
    let web = match platform {
        Platform::Static if known.contains_key(WEB) => None,
        Platform::Static => Some(FILES.to_owned()),
        _ if !known.is_empty() => None,
        Platform::Python => Some(python(folder)?),
        Platform::Nodejs => Some(nodejs(folder)?),
        Platform::Go => Some(format!("./{}", go::default_program(folder)?)),
    };
    if let Some(command) = web {
        known.insert(WEB.into(), Process { command: vec![command], defined_in: "platform" });
    }
    Ok(known)
}

fn python(folder: &Path) -> Result<String> {
    let file = ["app.py", "main.py"].into_iter().find(|name| folder.join(name).is_file());
    let missing = || {
        Error::refused(
            "the upload says nowhere how the app starts: add a file named Procfile with a line like `web: python3 app.py` (the app listens on $PORT)",
        )
    };
    file.map(|name| format!("python3 {name}")).ok_or_else(missing)
}

fn nodejs(folder: &Path) -> Result<String> {
    let package = std::fs::read(folder.join("package.json")).ok();
    let package: Option<serde_json::Value> = package.and_then(|text| serde_json::from_slice(&text).ok());
    let has_start = package.is_some_and(|package| package.pointer("/scripts/start").is_some_and(serde_json::Value::is_string));
    if has_start {
        return Ok("npm start".into());
    }
    if folder.join("server.js").is_file() {
        return Ok("node server.js".into());
    }
    Err(Error::refused(
        "the upload says nowhere how the app starts: add a file named Procfile with a line like `web: node server.js`, or a start script in package.json (the app listens on $PORT)",
    ))
}

/// As tsuru's deploys show them.
pub fn tell(known: &Known, out: &Output) {
    for (name, process) in known {
        let command = process.command.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ");
        out.action(&format!("Process {name:?} found with commands: [{command}] (defined in: {:?})", process.defined_in));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::tsuru_yaml;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
        dir
    }

    fn web(platform: Platform, files: &[(&str, &str)]) -> Result<String> {
        let dir = folder(files);
        let known = with_default(find(dir.path(), &TsuruYaml::default())?, platform, dir.path())?;
        Ok(known["web"].command[0].clone())
    }

    #[test]
    fn a_platform_starts_what_its_users_expect() {
        assert_eq!(web(Platform::Static, &[]).unwrap(), FILES);
        assert_eq!(web(Platform::Python, &[("app.py", "")]).unwrap(), "python3 app.py");
        assert_eq!(web(Platform::Nodejs, &[("package.json", r#"{"scripts":{"start":"node x"}}"#)]).unwrap(), "npm start");
        assert_eq!(web(Platform::Nodejs, &[("server.js", "")]).unwrap(), "node server.js");
        assert_eq!(web(Platform::Go, &[("go.mod", "module a/b\n")]).unwrap(), "./b");
        assert_eq!(web(Platform::Python, &[("Procfile", "web: x\n"), ("app.py", "")]).unwrap(), "x");
        for platform in [Platform::Python, Platform::Nodejs, Platform::Go] {
            assert!(web(platform, &[]).unwrap_err().to_string().contains("Procfile"), "{platform:?}");
        }
    }

    #[test]
    fn the_yaml_is_named_where_it_overrides() {
        let dir = folder(&[("Procfile", "web: a\nworker: b\n")]);
        let config = tsuru_yaml::parse("processes: [{name: web, command: c}]").unwrap();
        let known = find(dir.path(), &config).unwrap();
        assert_eq!((known["web"].defined_in, known["worker"].defined_in), ("tsuru.yaml", "Procfile"));
    }
}
