//! Commands as tsuru means them, and their ends.

use std::{
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use nix::{
    sys::{
        signal::{SigSet, Signal, kill},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::step;
use crate::{
    error::Result,
    provisioner::local::{process, spec::Spec},
};

/// Of a command that cannot be started, as shells have it.
const NOT_STARTED: u8 = 127;

/// The command ready to start. It goes through our own program once more: what we start inherits our blocked signals, and only the new
/// process itself can take them back without losing one.
pub fn command(spec: &Spec, words: &[String]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg("unit").arg(super::EXEC).args(words);
    command.env_clear().envs(spec.env.iter().map(|(name, value)| (name, value.expose())));
    if spec.tty.is_none() {
        command.stdin(Stdio::null());
    }
    command
}

/// Becomes the command: one word is a shell line, several are an argv. Comes back only when it cannot.
pub fn become_command(words: &[OsString]) -> Result<u8> {
    step("unblock signals", SigSet::all().thread_unblock())?;
    let mut command = match words {
        [line] => shell(&line.to_string_lossy()),
        [program, rest @ ..] => {
            let mut command = Command::new(program);
            command.args(rest);
            command
        }
        [] => shell("exit 0"),
    };
    let error = command.exec();
    eprintln!("unit: cannot start {}: {error}", words.join(OsStr::new(" ")).to_string_lossy());
    Ok(NOT_STARTED)
}

/// `sh -c LINE`, without the shell in between when the line is one plain command, so that signals reach the program itself.
fn shell(line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(if is_plain(line) { format!("exec {line}") } else { line.to_owned() });
    command
}

/// One program with arguments: no list, pipe, redirection, assignment, comment or word that only the shell knows.
fn is_plain(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    const ONLY_IN_SHELL: &str = "cd exec if for while case until export set ulimit umask . source eval ! exit return trap unset read \
                                 wait readonly alias shift : local";
    !line.contains(['&', '|', ';', '<', '>', '(', ')', '{', '}', '\n', '`', '#'])
        && !first.is_empty()
        && !first.contains('=')
        && !first.contains('$')
        && !ONLY_IN_SHELL.split_whitespace().any(|word| word == first)
}

/// The exit code of an ended process, as shells count it.
pub fn exit_code(status: WaitStatus) -> Option<u8> {
    match status {
        WaitStatus::Exited(_, code) => Some((code & 0xff) as u8),
        WaitStatus::Signaled(_, signal, _) => Some(128_u8.saturating_add(signal as u8)),
        _ => None,
    }
}

/// Kills every child, then the children that these leave to us, until none is left.
pub fn end_children() {
    loop {
        let children = process::children();
        if children.is_empty() {
            return;
        }
        for pid in children {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            let _ = waitpid(Pid::from_raw(pid), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_command_replaces_the_shell() {
        for plain in ["python3 app.py", "gunicorn -b 0.0.0.0:$PORT app:app", "./hello", "node 'a b.js'"] {
            assert!(is_plain(plain), "{plain}");
        }
        for compound in
            ["a && b", "A=1 b", "cd x", "a | b", "a; b", "a > b", "(a)", "exit 3", "if a; then b; fi", "", "  ", "$CMD x", "a # b", "`a`"]
        {
            assert!(!is_plain(compound), "{compound}");
        }
    }
}
