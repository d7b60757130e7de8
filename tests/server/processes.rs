//! Looking at this machine's processes: which run a command, which belong to a folder.

use std::{
    collections::BTreeSet,
    fs::{read, read_dir, read_link, read_to_string},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Processes whose command line contains this text.
pub fn with_words(words: &str) -> Vec<u32> {
    all().into_iter().filter(|pid| command_line(*pid).contains(words)).collect()
}

/// The command line, words separated by spaces; empty for what is gone or a zombie.
pub fn command_line(pid: u32) -> String {
    let bytes = read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// SIGCONT to what runs on files of this folder.
pub fn let_go_on(folder: &Path) {
    for pid in of_folder(folder) {
        // It may have ended by itself just now.
        let _ = kill(pid_of(pid), Signal::SIGCONT);
    }
}

/// SIGTERM.
pub fn terminate(pid: u32) {
    kill(pid_of(pid), Signal::SIGTERM).expect("the process is there");
}

/// Ends everything that was started on files of this folder, and what that started: units outlive their server on purpose.
pub fn kill_all_of(folder: &Path) {
    let begun = Instant::now();
    loop {
        let found = of_folder(folder);
        if found.is_empty() || begun.elapsed() > Duration::from_secs(10) {
            return;
        }
        for pid in found {
            // It may have ended by itself just now.
            let _ = kill(pid_of(pid), Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes on files of this folder, with their descendants.
pub fn of_folder(folder: &Path) -> BTreeSet<u32> {
    let all = all();
    let mut found: BTreeSet<u32> = all.iter().copied().filter(|pid| touches(*pid, folder)).collect();
    loop {
        let more: Vec<u32> =
            all.iter().copied().filter(|pid| !found.contains(pid) && parent(*pid).is_some_and(|parent| found.contains(&parent))).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn touches(pid: u32, folder: &Path) -> bool {
    let inside = |path: PathBuf| path.starts_with(folder);
    let links = ["cwd", "exe", "root"].map(|name| format!("/proc/{pid}/{name}"));
    let open = read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten().map(|entry| entry.path());
    pid != std::process::id()
        && (command_line(pid).contains(&*folder.to_string_lossy())
            || links.iter().any(|link| read_link(link).is_ok_and(inside))
            || open.into_iter().any(|link| read_link(link).is_ok_and(inside)))
}

fn parent(pid: u32) -> Option<u32> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    (fields.next()? != "Z").then_some(())?;
    fields.next()?.parse().ok()
}

fn all() -> Vec<u32> {
    read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn pid_of(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).expect("a process id"))
}
