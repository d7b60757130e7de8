//! The inner process: the first of the unit's namespaces.

use std::{
    fs::File,
    os::{fd::AsFd, unix::process::CommandExt},
    path::Path,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{Signal, kill, killpg},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, setsid},
};

use super::{
    command::{command, end_children, exit_code},
    root,
    signals::Signals,
    step,
};
use crate::{
    error::{Error, Result},
    provisioner::local::spec::Spec,
};

/// Ended by SIGTERM.
const TERMINATED: u8 = 128 + 15;

/// Runs hooks and command; everything else in the unit ends with it.
pub fn run(path: &Path) -> Result<u8> {
    let signals = Signals::block()?;
    let spec = Spec::read(path)?;
    follow(&spec)?;
    spec.forget_env(path)?;
    if let Some(tty) = &spec.tty {
        take_terminal(tty)?;
    }
    enter(&spec)?;
    let code = commands(&spec, &signals);
    end_children();
    code
}

/// Ends with the outer process; again after each step that may clear that wish. The first process of a unit takes everything with it
/// at once; a guest in a unit has to end what it started.
fn follow(spec: &Spec) -> Result<()> {
    let signal = if spec.enter.is_some() { Signal::SIGTERM } else { Signal::SIGKILL };
    step("follow the outer shim", prctl::set_pdeathsig(signal))
}

/// Makes the terminal ours: opened by the leader of a session without one, it becomes the session's.
fn take_terminal(path: &Path) -> Result<()> {
    step("start a session", setsid())?;
    let tty = step("open the terminal", File::options().read(true).write(true).open(path))?;
    step("terminal", dup2_stdin(&tty).and_then(|()| dup2_stdout(&tty)).and_then(|()| dup2_stderr(&tty)))
}

fn enter(spec: &Spec) -> Result<()> {
    step("forbid new privileges", prctl::set_no_new_privs())?;
    if let Some(unit) = &spec.enter {
        super::enter::inner(unit)?;
        follow(spec)?;
        step("adopt orphans", prctl::set_child_subreaper(true))?;
        return step("enter /home/application/current", std::env::set_current_dir(root::CURRENT));
    }
    match &spec.sandbox {
        Some(sandbox) => {
            root::build(sandbox, &spec.folder)?;
            follow(spec)?;
            step("enter /home/application/current", std::env::set_current_dir(root::CURRENT))
        }
        None => {
            step("adopt orphans", prctl::set_child_subreaper(true))?;
            step("enter the version's folder", std::env::set_current_dir(&spec.folder))
        }
    }
}

fn commands(spec: &Spec, signals: &Signals) -> Result<u8> {
    for hook in &spec.before {
        let code = one(spec, std::slice::from_ref(hook), signals)?;
        if code != 0 {
            eprintln!("unit: hooks.restart.before: {hook:?} ended with exit code {code}");
            return Ok(code);
        }
    }
    one(spec, &spec.command, signals)
}

/// Starts one command and waits for its end, reaping whatever else ends meanwhile.
fn one(spec: &Spec, words: &[String], signals: &Signals) -> Result<u8> {
    let mut command = command(spec, words);
    if spec.tty.is_none() {
        command.process_group(0);
    }
    let child = step("start the command", command.spawn())?;
    let child = Pid::from_raw(i32::try_from(child.id()).map_err(Error::internal)?);
    loop {
        if let Some(code) = reap(child) {
            return Ok(code);
        }
        wait(signals)?;
        while let Some(signal) = signals.next() {
            match signal {
                Signal::SIGTERM | Signal::SIGHUP if spec.tty.is_some() || spec.enter.is_some() => return Ok(TERMINATED),
                Signal::SIGTERM => drop(killpg(child, Signal::SIGTERM)),
                _ => {}
            }
        }
    }
}

fn wait(signals: &Signals) -> Result<()> {
    let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::NONE) {
        Err(nix::errno::Errno::EINTR) | Ok(_) => Ok(()),
        Err(e) => Err(Error::internal(format!("poll: {e}"))),
    }
}

fn reap(child: Pid) -> Option<u8> {
    let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
    while let Ok(status) = waitpid(None::<Pid>, Some(flags)) {
        match status {
            WaitStatus::StillAlive => return None,
            // A shell that stops itself at start (it is not yet in the foreground) goes on.
            WaitStatus::Stopped(pid, _) if pid == child => drop(kill(pid, Signal::SIGCONT)),
            status if status.pid() == Some(child) => return exit_code(status),
            _ => {}
        }
    }
    None
}
