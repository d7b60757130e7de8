//! Go: one program per process.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{platform::find, processes::Known, steps::Steps};
use crate::{
    error::{Error, Result},
    output::Output,
};

/// What most servers import. Compiled once per machine into the cache of the server's own user, which builds see below their own.
const COMMON: [&str; 5] = ["net/http", "encoding/json", "html/template", "database/sql", "log/slog"];

/// The cache of the server's own user, with the common part of the standard library in it.
pub async fn warm_cache(path: &str, out: &Output) -> Option<PathBuf> {
    let go = |args: &[&str]| {
        let mut go = tokio::process::Command::new("go");
        go.args(args).env("PATH", path).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        go
    };
    let found = go(&["env", "GOCACHE"]).output().await.ok()?;
    let cache = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
    if !cache.is_dir() {
        out.action("Compiling Go's standard library, once on this machine");
    }
    let built = go(&["build"]).args(COMMON).stdout(Stdio::null()).status().await.ok()?;
    (built.success() && cache.is_dir()).then_some(cache)
}

/// Builds each program that a process starts and the upload does not hold; without processes, the module's own.
pub async fn build(steps: &Steps<'_>, known: &Known) -> Result<()> {
    let mut programs: Vec<String> =
        known.values().filter_map(|process| program(process.command.first()?, steps.folder, &steps.shared.config.path)).collect();
    if known.is_empty() {
        programs.push(default_program(steps.folder)?);
    }
    programs.sort();
    programs.dedup();
    for program in programs {
        let package = package(&program, steps.folder);
        steps.run(&format!("go build -o '{program}' {package}")).await?;
    }
    Ok(())
}

/// The file that a command line starts, if it has to be built.
fn program(line: &str, folder: &Path, path: &str) -> Option<String> {
    let word = line.split_whitespace().find(|word| *word != "exec" && !word.contains('='))?;
    let name = word.trim_start_matches("./");
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    let ours = plain && !name.is_empty() && !name.starts_with('/') && !name.split('/').any(|part| part == "..") && !name.ends_with('/');
    let elsewhere = !word.contains('/') && find(word, path).is_some();
    (ours && !elsewhere && !folder.join(name).is_file()).then(|| name.to_owned())
}

fn package(program: &str, folder: &Path) -> String {
    let name = program.rsplit('/').next().unwrap_or(program);
    if folder.join("cmd").join(name).is_dir() { format!("./cmd/{name}") } else { ".".into() }
}

/// Named after the module; `app` without one.
pub fn default_program(folder: &Path) -> Result<String> {
    let module = std::fs::read_to_string(folder.join("go.mod"))
        .map_err(|_missing| Error::refused("the upload has neither a Procfile nor a go.mod: a Go app needs one of them"))?;
    let path = module.lines().find_map(|line| line.trim().strip_prefix("module ")).unwrap_or_default();
    let words = path.trim().trim_matches('"').split('/').rev();
    let is_version =
        |word: &&str| word.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let name: String = words.filter(|word| !word.is_empty()).find(|word| !is_version(word)).unwrap_or("app").into();
    let safe = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) && !name.starts_with(['.', '-']);
    // A folder of that name would be in the way.
    Ok(if safe && !folder.join(&name).is_dir() { name } else { "app".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_what_the_process_starts() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("there"), "").unwrap();
        let program = |line| program(line, dir.path(), "/bin:/usr/bin");
        assert_eq!(program("./hello-go -v").as_deref(), Some("hello-go"));
        assert_eq!(program("exec bin/web").as_deref(), Some("bin/web"));
        assert_eq!(program("A=1 hello").as_deref(), Some("hello"));
        for none in ["./there", "sh run.sh", "/usr/bin/x", "../x", "$(x)", ""] {
            assert_eq!(program(none), None, "{none}");
        }
    }

    #[test]
    fn without_processes_it_is_named_after_the_module() {
        let dir = tempfile::tempdir().unwrap();
        assert!(default_program(dir.path()).is_err());
        for (text, name) in [("module example.com/a/hello\n", "hello"), ("module example.com/x/v2\n", "x"), ("module \"a/b;c\"\n", "app")] {
            std::fs::write(dir.path().join("go.mod"), text).unwrap();
            assert_eq!(default_program(dir.path()).unwrap(), name);
        }
    }
}
