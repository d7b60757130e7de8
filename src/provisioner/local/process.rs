//! Processes of this machine by identity: a pid alone may belong to somebody else after a while.

use std::{fs, path::Path};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// A pid, its start time, and the boot it was seen in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Process number.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`: clock ticks since boot.
    pub started: u64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot: String,
}

impl Identity {
    /// Of a process that lives now.
    pub fn of(pid: i32) -> Option<Self> {
        let (state, started) = stat(pid)?;
        (state != 'Z').then(|| Self { pid, started, boot: boot() })
    }

    /// True while that very process lives.
    pub fn lives(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now == *self)
    }

    /// Sends a signal, if it is still that very process.
    pub fn signal(&self, signal: Signal) {
        if self.lives() {
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Reads a pid file; none while there is none.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// State letter and start time. The second field is the program's name in parentheses and may hold anything.
fn stat(pid: i32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Pids of the living children of this process.
pub fn children() -> Vec<i32> {
    fs::read_to_string("/proc/thread-self/children")
        .map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_time_too() {
        let me = Identity::of(std::process::id() as i32).unwrap();
        assert!(me.lives());
        assert!(!Identity { started: me.started + 1, ..me.clone() }.lives());
        assert!(!Identity { boot: "another".into(), ..me }.lives());
    }

    #[test]
    fn an_ended_process_does_not_live_even_before_it_is_reaped() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let identity = Identity::of(child.id() as i32);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while identity.as_ref().is_some_and(Identity::lives) {
            assert!(std::time::Instant::now() < deadline, "still alive");
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
