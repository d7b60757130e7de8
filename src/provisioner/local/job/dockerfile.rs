//! The Dockerfiles that a machine without a container engine can build: files on one of its own platforms.

use crate::error::{Error, Result};

/// Where the files are in units, and where they may be copied to.
const CURRENT: &str = "/home/application/current";

/// A Dockerfile.
#[derive(Debug, Default, PartialEq)]
pub struct Dockerfile {
    /// Base image.
    pub from: String,
    /// Shell lines.
    pub run: Vec<String>,
    /// Variables.
    pub env: Vec<(String, String)>,
    /// One element: a shell line; several: an argv.
    pub command: Vec<String>,
}

impl Dockerfile {
    /// Reads one; what would need a container engine is refused by name.
    pub fn parse(text: &str) -> Result<Self> {
        let mut file = Self::default();
        for line in lines(text) {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line.as_str(), ""));
            let rest = rest.trim();
            match word.to_ascii_uppercase().as_str() {
                "FROM" if file.from.is_empty() => file.from = rest.split_whitespace().next().unwrap_or_default().into(),
                "RUN" => file.run.push(rest.into()),
                "ENV" => file.env.extend(pairs(rest).ok_or_else(|| needs_engine(&line))?),
                "CMD" | "ENTRYPOINT" if file.command.is_empty() => file.command = command(rest),
                "WORKDIR" if rest.trim_end_matches('/') == CURRENT => {}
                "COPY" | "ADD" if copies_all(rest) => {}
                "LABEL" | "EXPOSE" | "MAINTAINER" => {}
                _ => return Err(needs_engine(&line)),
            }
        }
        if file.from.is_empty() { Err(Error::invalid("the Dockerfile has no FROM")) } else { Ok(file) }
    }
}

fn needs_engine(line: &str) -> Error {
    Error::refused(format!(
        "this machine has no container engine: the line {line:?} of the Dockerfile needs one. Without it, a Dockerfile is FROM \
         tsuru/PLATFORM, COPY . ., RUN, ENV and CMD"
    ))
}

/// Without comments, continued lines joined.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_suffix('\\') {
            Some(begin) => open.push_str(begin),
            None => {
                open.push_str(line);
                lines.push(std::mem::take(&mut open));
            }
        }
    }
    lines.extend((!open.is_empty()).then_some(open));
    lines
}

fn copies_all(rest: &str) -> bool {
    let words: Vec<&str> = rest.split_whitespace().collect();
    matches!(words.as_slice(), ["." | "./", to] if ["." , "./", CURRENT, &format!("{CURRENT}/")].contains(to))
}

/// `A=1 B=2`, or `A 1`.
fn pairs(rest: &str) -> Option<Vec<(String, String)>> {
    if rest.contains(['"', '\'', '$', '\\']) {
        return None;
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.trim().to_owned());
    match rest.split_whitespace().next()?.contains('=') {
        true => rest.split_whitespace().map(|pair| pair.split_once('=').map(owned)).collect(),
        false => rest.split_once(char::is_whitespace).map(|pair| vec![owned(pair)]),
    }
}

fn command(rest: &str) -> Vec<String> {
    serde_json::from_str(rest).unwrap_or_else(|_| vec![rest.into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_on_a_platform_can_be_built() {
        let text = "# a job\nFROM tsuru/python:latest\nWORKDIR /home/application/current\nCOPY . .\nENV A=1 B=2\nRUN pip install \\\n  flask\n\
                    CMD [\"python3\", \"job.py\"]\n";
        let file = Dockerfile::parse(text).unwrap();
        assert_eq!(file.from, "tsuru/python:latest");
        assert_eq!(file.run, ["pip install flask"]);
        assert_eq!(file.env, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
        assert_eq!(file.command, ["python3", "job.py"]);
        assert_eq!(Dockerfile::parse("FROM tsuru/go\nCMD ./job --all").unwrap().command, ["./job --all"]);
    }

    #[test]
    fn what_needs_an_engine_is_named() {
        for line in ["COPY src /srv", "USER root", "FROM b AS c", "ENV A=\"1 2\"", "WORKDIR /srv"] {
            let error = Dockerfile::parse(&format!("FROM tsuru/python\n{line}\n")).unwrap_err().to_string();
            assert!(error.contains(&format!("{line:?}")), "{error}");
        }
        assert!(Dockerfile::parse("RUN x").is_err());
    }
}
