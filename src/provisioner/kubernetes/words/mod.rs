//! What a rollout says, to the letter as tsuru's server does: people and programs read it.

mod event;
mod fault;
mod progress;

pub use event::told;
pub use fault::{PodEvent, faults};
pub use progress::{Counts, Progress};

use serde_json::Value;

use crate::provisioner::LogLine;

/// `---- text ----`
fn section(text: &str) -> String {
    format!("---- {text} ----\n")
}

/// ` ---> text`
fn action(text: &str) -> String {
    format!(" ---> {text}\n")
}

/// `**** TEXT ****`
fn loud(text: &str) -> String {
    format!("**** {} ****\n", text.to_uppercase())
}

/// A process of a version is about to be rolled out.
pub fn updating(process: &str, version: u32) -> String {
    section(&format!("Updating units [{process}] [version {version}]"))
}

/// What became of a deployment's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// It is new.
    Created,
    /// It holds something else.
    Updated,
    /// It was right.
    Unchanged,
}

/// What became of a deployment's secret.
pub fn secret(done: Secret, name: &str, process: &str, version: u32) -> String {
    let done = match done {
        Secret::Created => "Created",
        Secret::Updated => "Updated",
        Secret::Unchanged => "No changes on",
    };
    format!("\n{}", action(&format!("{done} secret {name:?} for process {process:?} [version {version}]")))
}

/// A new secret has its deployment as owner now.
pub fn secret_owned(name: &str) -> String {
    format!("\n{}", action(&format!("Updated secret {name:?} ownerReferences")))
}

/// A secret could not be written.
pub fn secret_failed(name: &str, why: &str) -> String {
    format!("{}{}", loud(&format!("ERROR CREATING SECRET: {name}")), action(&format!(" {why} ")))
}

/// From now on the units are watched.
pub fn waiting(process: &str, version: u32) -> String {
    format!("\n{}", action(&format!("Waiting for units to be ready [{process}] [version {version}]")))
}

/// They are what they should be.
pub fn all_ready() -> String {
    action("All units ready")
}

/// Nothing had to be done.
pub fn unchanged(process: &str, version: u32) -> String {
    format!("\n{}", section(&format!("No changes on units [{process}] [version {version}]")))
}

/// How Google's load balancer will check a process.
pub fn google_check(before: Option<&Value>, now: &Value) -> String {
    let title = format!("\n{}", section("GCP Load Balancer health check"));
    match before {
        None => title + &action(&format!("Creating LB health check with {}", checking(now))),
        Some(before) => {
            let changes = [format!("Existing HC: {}", checking(before)), format!("     New HC: {}", checking(now))];
            title + &action("Updating LB health check") + &changes.map(|line| action(&line)).concat()
        }
    }
}

fn checking(check: &Value) -> String {
    let text = |name: &str, usual: &str| check.get(name).and_then(Value::as_str).unwrap_or(usual).to_owned();
    let number = |name: &str, usual: u64| check.get(name).and_then(Value::as_u64).unwrap_or(usual);
    format!(
        "path={} type={} interval={} timeout={} success={} failure={}",
        text("requestPath", "/"),
        text("type", "TCP"),
        duration(number("checkIntervalSec", 5)),
        duration(number("timeoutSec", 5)),
        number("healthyThreshold", 2),
        number("unhealthyThreshold", 2)
    )
}

/// The services of a process are about to be written.
pub fn ensuring_services(process: &str) -> String {
    format!("\n{}", section(&format!("Ensuring services [{process}]")))
}

/// One of them.
pub fn service(name: &str) -> String {
    action(&format!("Service {name}"))
}

/// What is not wanted any more is about to be removed.
pub fn cleaning() -> String {
    format!("\n{}", section("Cleaning up resources"))
}

/// One of it: `deployment`, `secret`, `service`, `PodDisruptionBudget`.
pub fn cleaned(kind: &str, name: &str) -> String {
    action(&format!("Cleaning up {kind} {name}"))
}

/// Units of one process are about to be added or taken.
pub fn patching(from: u32, to: u32) -> String {
    section(&format!("Patching from {from} to {to} units"))
}

/// New units run and did not become ready in so many seconds.
pub fn health_timeout(seconds: u64) -> String {
    format!("\n{}", loud(&format!("Healthcheck Timeout of {} exceeded", duration(seconds))))
}

/// No more units became ready in so many seconds.
pub fn progress_timeout(seconds: u64) -> String {
    format!("\n{}", loud(&format!("Deployment Progress Timeout of {} exceeded", duration(seconds))))
}

/// What is done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// The old deployment is written back.
    UpdatesBack,
    /// The new deployment is removed.
    Deletes,
    /// The old pods are brought back.
    RollsBack,
}

/// What is done after a failure.
pub fn undoing(undo: Undo) -> String {
    let text = match undo {
        Undo::UpdatesBack => "UPDATING BACK AFTER FAILURE",
        Undo::Deletes => "DELETING CREATED DEPLOYMENT AFTER FAILURE",
        Undo::RollsBack => "ROLLING BACK AFTER FAILURE",
    };
    format!("\n{}", loud(text))
}

/// It could not be undone.
pub fn undo_failed(why: &str) -> String {
    format!("\n{}{}", loud("ERROR DURING ROLLBACK"), action(&format!(" {why} ")))
}

/// The old pods are brought back from this revision.
pub fn restoring(deployment: &str, replica_set: &str) -> String {
    format!("Deployment: {deployment}, restoring podTemplate from replicaSet: {replica_set}\n")
}

/// They are what they were.
pub fn nothing_to_restore(deployment: &str, replica_set: &str) -> String {
    format!("skipped rollback (current template already matches revision), deployment:{deployment}, replicaset: {replica_set}\n")
}

/// Why units did not start, and what they said last.
pub fn startup_error(faults: &[String], lines: &[LogLine]) -> String {
    let faults: Vec<String> = faults.iter().map(|fault| format!(" ---> {fault}")).collect();
    let said = last_lines(lines);
    if said.is_empty() { faults.join("\n") } else { format!("{}\n{said}", faults.join("\n")) }
}

/// What units that failed said last; follows the error.
pub fn last_lines(lines: &[LogLine]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let line = |line: &LogLine| {
        let time = line.date.rfc3339();
        let (day, clock) = time.split_once('T').unwrap_or((&time, ""));
        let clock = clock.get(..8).unwrap_or(clock);
        format!("    {day} {clock} +0000 [{}][{}]: {}", line.source, line.unit, line.message)
    };
    let lines: Vec<String> = lines.iter().map(line).collect();
    format!("\n{}{}", section(&format!("Last {} log messages:", lines.len())), lines.join("\n"))
}

/// As Go writes it: `2m0s`, `1h0m5s`, `45s`.
fn duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    #[test]
    fn a_rollout_reads_as_tsurus() {
        let text = [
            updating("web", 1),
            secret(Secret::Created, "tsuru-app-hello-web", "web", 1),
            secret(Secret::Updated, "tsuru-app-hello-web", "web", 1),
            secret_owned("tsuru-app-hello-web"),
            waiting("web", 1),
            all_ready(),
            ensuring_services("web"),
            service("hello-web"),
            cleaning(),
        ];
        let recorded = "---- Updating units [web] [version 1] ----\n\n ---> Created secret \"tsuru-app-hello-web\" for process \"web\" \
                        [version 1]\n\n ---> Updated secret \"tsuru-app-hello-web\" for process \"web\" [version 1]\n\n \
                        ---> Updated secret \"tsuru-app-hello-web\" ownerReferences\n\n ---> Waiting for units to be ready [web] \
                        [version 1]\n ---> All units ready\n\n---- Ensuring services [web] ----\n ---> Service hello-web\n\n\
                        ---- Cleaning up resources ----\n";
        assert_eq!(text.concat(), recorded);
    }

    #[test]
    fn failures_are_loud() {
        assert_eq!(health_timeout(120), "\n**** HEALTHCHECK TIMEOUT OF 2M0S EXCEEDED ****\n");
        assert_eq!(progress_timeout(600), "\n**** DEPLOYMENT PROGRESS TIMEOUT OF 10M0S EXCEEDED ****\n");
        assert_eq!(undo_failed("no"), "\n**** ERROR DURING ROLLBACK ****\n --->  no \n");
        assert_eq!([duration(59), duration(3605)], ["59s", "1h0m5s"]);
    }

    #[test]
    fn the_last_lines_follow_an_error() {
        let line = LogLine { date: Time::from_millis(0), message: "oh".into(), source: "web".into(), unit: "u1".into() };
        assert_eq!(last_lines(&[line]), "\n---- Last 1 log messages: ----\n    1970-01-01 00:00:00 +0000 [web][u1]: oh");
        assert_eq!(last_lines(&[]), "");
    }
}
