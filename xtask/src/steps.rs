//! Runs steps, one after the other or in groups beside each other, says what it does, and sums up at the end.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Seek, Write},
    process::{self, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Result;

/// How a step ended.
enum Outcome {
    Done(String),
    Failed(String),
    Skipped(String),
}

/// Name, time and end of a step.
type Row = (String, Duration, Outcome);

/// Steps that run one after the other, while other groups run.
pub type Group<'a> = Box<dyn FnOnce(&mut Steps) + Send + 'a>;

/// Steps so far.
pub struct Steps {
    begun: Instant,
    rows: Vec<Row>,
    output: Output,
}

impl Steps {
    /// None yet; what they say is shown at once.
    pub fn new() -> Self {
        Self { begun: Instant::now(), rows: Vec::new(), output: Output(None) }
    }

    /// Runs a step; later ones run also when it fails, so that one run shows everything.
    pub fn run(&mut self, name: &str, step: impl FnOnce(&Output) -> Result<String>) -> bool {
        self.output.begins(name);
        let begun = Instant::now();
        let outcome = match step(&self.output) {
            Ok(note) => Outcome::Done(note),
            Err(why) => {
                self.output.say(&format!("    FAILED: {why}"));
                Outcome::Failed(why)
            }
        };
        let (done, time) = (matches!(outcome, Outcome::Done(_)), begun.elapsed());
        self.output.ends(name, time);
        self.rows.push((name.to_owned(), time, outcome));
        done
    }

    /// Runs groups of steps beside each other. What a step says is shown when it ends.
    pub fn beside(&mut self, groups: Vec<Group<'_>>) {
        thread::scope(|scope| {
            let running: Vec<_> = groups.into_iter().map(|group| scope.spawn(|| Self::of(group))).collect();
            for group in running {
                self.rows.extend(group.join().unwrap_or_else(|_| vec![lost()]));
            }
        });
    }

    /// What this group runs from now on gives way to what others run.
    pub fn give_way(&self) {
        // A thread has a niceness of its own, which its programs inherit.
        let thread = fs::read_link("/proc/thread-self").unwrap_or_default();
        let id = thread.file_name().unwrap_or_default();
        drop(Command::new("renice").args(["-n", "10", "-p"]).arg(id).stdout(Stdio::null()).stderr(Stdio::null()).status());
    }

    fn of(group: Group<'_>) -> Vec<Row> {
        let mut steps = Self { output: Output(kept().ok()), ..Self::new() };
        group(&mut steps);
        steps.rows
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

/// A group that did not come to its end.
fn lost() -> Row {
    ("a group of steps".to_owned(), Duration::ZERO, Outcome::Failed("it panicked".to_owned()))
}

/// A file that is gone when nobody has it open any more.
fn kept() -> io::Result<File> {
    let name = format!("impaas-xtask-{}-{:?}", process::id(), thread::current().id());
    let path = env::temp_dir().join(name);
    let file = File::options().read(true).append(true).create_new(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// Where a step says things, and the programs that it runs: the terminal, or a file whose content is shown when the step ends.
pub struct Output(Option<File>);

impl Output {
    /// Says a line.
    pub fn say(&self, line: &str) {
        match self.0.as_ref() {
            Some(mut file) => drop(writeln!(file, "{line}")),
            None => println!("{line}"),
        }
    }

    /// Runs a command to its end with its output shown.
    pub fn shown(&self, command: &mut Command) -> Result<String> {
        let line = line_of(command);
        self.say(&format!("    {line}"));
        if let Some(file) = &self.0 {
            let again = || file.try_clone().map_err(|error| format!("`{line}`: {error}"));
            command.stdout(again()?).stderr(again()?);
        }
        match command.status() {
            Ok(status) if status.success() => Ok(String::new()),
            Ok(status) => Err(format!("`{line}` ended with {status}")),
            Err(error) => Err(format!("`{line}`: {error}")),
        }
    }

    fn begins(&self, name: &str) {
        match &self.0 {
            Some(_) => println!("\n... {name}: begun, beside others"),
            None => println!("\n==> {name}"),
        }
    }

    fn ends(&self, name: &str, time: Duration) {
        if self.0.is_some() {
            println!("\n==> {name}, {:.0} s\n{}", time.as_secs_f64(), self.taken());
        }
    }

    /// What was kept until now; it is kept no more.
    fn taken(&self) -> String {
        let mut said = Vec::new();
        if let Some(mut file) = self.0.as_ref() {
            drop(file.rewind().and_then(|()| file.read_to_end(&mut said)).and_then(|_| file.set_len(0)));
        }
        String::from_utf8_lossy(&said).into_owned()
    }
}

/// Runs a command to its end with its output shown at once.
pub fn shown(command: &mut Command) -> Result<String> {
    Output(None).shown(command)
}

/// A command as a person would type it.
pub fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn groups_run_beside_each_other_and_a_step_that_fails_is_told_at_the_end() {
        let (mut steps, both) = (Steps::new(), Barrier::new(2));
        let group = |name: &'static str, outcome: Result<String>| -> Group<'_> {
            let both = &both;
            Box::new(move |steps| {
                steps.run(name, |_| {
                    both.wait();
                    outcome
                });
                steps.run("next", |_| Ok(String::new()));
            })
        };
        steps.beside(vec![group("one", Ok(String::new())), group("other", Err("no".to_owned()))]);
        let names: Vec<&str> = steps.rows.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["one", "next", "other", "next"]);
        assert_eq!(steps.finish(), Err("the tests failed".to_owned()));
    }

    #[test]
    fn what_steps_and_their_programs_say_is_kept_in_its_order_and_taken_once() {
        let output = Output(kept().ok());
        output.say("first");
        output.shown(Command::new("sh").args(["-c", "echo out; echo err >&2"])).unwrap();
        output.say("last");
        assert_eq!(output.taken(), "first\n    sh -c echo out; echo err >&2\nout\nerr\nlast\n");
        output.say("more");
        assert_eq!(output.taken(), "more\n");
        assert!(output.shown(&mut Command::new("false")).unwrap_err().contains("`false` ended with exit status: 1"));
    }
}
