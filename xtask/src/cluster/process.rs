//! Programs that go on running after us, found again by their process id and start time.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::write;
use crate::Result;

/// Starts a program away from our terminal, its output in a file. Nothing happens where it runs already.
pub fn start(command: &Command, pid_file: &Path, log: &Path) -> Result<()> {
    if running(pid_file).is_some() {
        return Ok(());
    }
    let output = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    let mut detached = Command::new("setsid");
    detached.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null()).stdout(output).stderr(errors);
    if let Some(folder) = command.get_current_dir() {
        detached.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        detached.env(name, value.unwrap_or_default());
    }
    let child = detached.spawn().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
    let born = birth(child.id()).unwrap_or_default();
    write(pid_file, &format!("{} {born}", child.id()))
}

/// The id of the process that this file names, while it runs.
pub fn running(pid_file: &Path) -> Option<u32> {
    let text = fs::read_to_string(pid_file).ok()?;
    let (pid, born) = text.split_once(' ')?;
    let pid = pid.parse().ok()?;
    (birth(pid)? == born).then_some(pid)
}

/// Asks it to end, makes it after a while, and forgets it.
pub fn stop(pid_file: &Path, patience: Duration) {
    for signal in ["TERM", "KILL"] {
        let Some(pid) = running(pid_file) else { break };
        drop(Command::new("kill").args(["-s", signal, &pid.to_string()]).status());
        wait(patience, || running(pid_file).is_none());
    }
    drop(fs::remove_file(pid_file));
}

/// Waits until this holds; false when it did not in time.
pub fn wait(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > patience {
            return false;
        }
        sleep(Duration::from_millis(100));
    }
    true
}

/// When a process was started, in the kernel's count; none for one that is gone or ended.
fn birth(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19).map(|born| (*born).to_owned())
}
