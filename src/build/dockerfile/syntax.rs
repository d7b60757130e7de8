//! `# syntax=`: the program that reads a Dockerfile. It is an image too, and may take files from any other: only docker's own is let in,
//! from the version on that reads here-documents.

use std::sync::LazyLock;

use regex::Regex;

use crate::{
    error::{Error, Result},
    names::compile,
};

static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| compile(r"^(?:#|//)\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S*)"));
static DOCKERS: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"^(?:(?:index\.)?docker\.io/)?docker/dockerfile(?::(?:latest|labs|1(?:\.(?:[4-9]|[1-9][0-9])(?:\.[0-9]+)?)?(?:-labs)?))?$")
});

/// 400 for any other. BuildKit knows three forms, after a line that begins with `#!`: `# syntax=`, `// syntax=`, and JSON.
pub fn check(text: &str) -> Result<()> {
    let text = if text.starts_with("#!") { text.split_once('\n').unwrap_or_default().1 } else { text };
    if text.trim_start().starts_with('{') {
        return Err(Error::invalid("this is no Dockerfile"));
    }
    let directives = text.split('\n').map_while(|line| DIRECTIVE.captures(line.trim()));
    let named = directives.filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())));
    match named.filter(|(name, _)| name.eq_ignore_ascii_case("syntax")).find(|(_, image)| !DOCKERS.is_match(image)) {
        Some((_, image)) => {
            Err(Error::invalid(format!("syntax {image:?} of the Dockerfile is not taken: leave it out, or say docker/dockerfile:1")))
        }
        None => Ok(()),
    }
}
