//! The shim: `impaasd unit SPECFILE` runs one unit and is the only parent of its processes.
//!
//! Two processes of one thread each, and a third for a moment that becomes the command. The outer one stays on the machine: it writes the pid file, the log and the exit code. The inner
//! one is the first process of the unit's own process namespace: it builds what the app sees, gives up every power over it, runs the
//! command and reaps. When the inner one ends, the kernel ends everything in the unit; when the outer one ends, so does the inner.

mod command;
mod enter;
mod inner;
mod mounts;
mod outer;
mod root;
mod signals;

use std::{ffi::OsString, path::Path, process::ExitCode};

use super::spec::Spec;
use crate::error::{Error, Result};

/// The shim itself failed; its last line of output says how.
pub const BROKEN: u8 = 125;
/// The word before the spec file that makes the inner process.
const INSIDE: &str = "--inside";
/// The word before a command that the process becomes.
const EXEC: &str = "--exec";

/// Runs the unit of a spec file and ends with its exit code. To be called while the process has one thread.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let code = match args.as_slice() {
        [spec] => outer::run(Path::new(spec)),
        [exec, words @ ..] if exec == EXEC => command::become_command(words),
        [inside, spec] if inside == INSIDE => inner::run(Path::new(spec)),
        _ => Err(Error::invalid("usage: impaasd unit SPECFILE (the server starts this by itself)")),
    };
    ExitCode::from(code.unwrap_or_else(|e| {
        eprintln!("unit: {}", detail(&e));
        BROKEN
    }))
}

/// The log of the unit is the operator's, so it says what `Internal` hides from callers.
fn detail(error: &Error) -> String {
    match error {
        Error::Internal(detail) => detail.clone(),
        other => other.to_string(),
    }
}

/// `?` with the name of the failed step.
fn step<T, E: std::fmt::Display>(name: &str, result: std::result::Result<T, E>) -> Result<T> {
    result.map_err(|e| Error::internal(format!("{name}: {e}")))
}

/// True when a sandbox can be made here; the server tries it once at start.
pub fn works(program: &Path, scratch: &Path) -> Result<()> {
    use super::{file, spec::Sandbox};
    let (home, tmp) = (scratch.join("home"), scratch.join("tmp"));
    for folder in [&home, &tmp] {
        file::folder(folder)?;
    }
    let spec = Spec {
        sandbox: Some(Sandbox { home, tmp, ..Sandbox::default() }),
        folder: scratch.into(),
        command: vec!["/bin/sh".into(), "-c".into(), "exit 0".into()],
        ..Spec::default()
    };
    let path = spec.write(scratch)?;
    let tried = std::process::Command::new(program).arg("unit").arg(path).env_clear().stdin(std::process::Stdio::null()).output();
    let output = step("start the shim", tried)?;
    if output.status.success() { Ok(()) } else { Err(Error::internal(String::from_utf8_lossy(&output.stderr).trim())) }
}
