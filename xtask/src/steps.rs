//! Runs steps one after the other, says what it does, and sums up at the end.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::Result;

/// How a step ended.
enum Outcome {
    Done(String),
    Failed(String),
    Skipped(String),
}

/// Steps so far.
pub struct Steps {
    begun: Instant,
    rows: Vec<(String, Duration, Outcome)>,
}

impl Steps {
    /// None yet.
    pub fn new() -> Self {
        Self { begun: Instant::now(), rows: Vec::new() }
    }

    /// Runs a step; later ones run also when it fails, so that one run shows everything.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<String>) -> bool {
        println!("\n==> {name}");
        let begun = Instant::now();
        let outcome = match step() {
            Ok(note) => Outcome::Done(note),
            Err(why) => {
                println!("    FAILED: {why}");
                Outcome::Failed(why)
            }
        };
        let done = matches!(outcome, Outcome::Done(_));
        self.rows.push((name.to_owned(), begun.elapsed(), outcome));
        done
    }

    /// Notes a step that cannot run here.
    pub fn skip(&mut self, name: &str, why: &str) {
        println!("\n==> {name}\n    skipped: {why}");
        self.rows.push((name.to_owned(), Duration::ZERO, Outcome::Skipped(why.to_owned())));
    }

    /// Prints the summary; an error when a step failed.
    pub fn finish(self) -> Result<()> {
        println!("\n---- summary, {:.0} s ----", self.begun.elapsed().as_secs_f64());
        let mut counts = [0; 3];
        for (name, time, outcome) in &self.rows {
            let (at, word, note) = match outcome {
                Outcome::Done(note) => (0, "ok", note),
                Outcome::Failed(why) => (1, "FAILED", why),
                Outcome::Skipped(why) => (2, "skipped", why),
            };
            counts[at] += 1;
            let first = note.lines().next().unwrap_or_default();
            println!(
                "{word:8} {:6.1} s  {name}{}",
                time.as_secs_f64(),
                if first.is_empty() { String::new() } else { format!(": {first}") }
            );
        }
        let [done, failed, skipped] = counts;
        println!("{done} steps passed, {failed} failed, {skipped} skipped");
        if failed > 0 { Err("the tests failed".to_owned()) } else { Ok(()) }
    }
}

/// Runs a command to its end with its output shown.
pub fn shown(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    println!("    {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(String::new()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}`: {error}")),
    }
}

/// A command as a person would type it.
pub fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
