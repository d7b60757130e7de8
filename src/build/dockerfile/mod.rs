//! Which images a Dockerfile takes files from, read before a build service sees it.
//!
//! BuildKit's reading is what counts, and a hostile text may look different to it than to us. So whatever may be read in two ways is read
//! in both: with either escape character, and with every line as one that an instruction may begin on, even amid a here-document.

mod line;
pub mod sources;
mod syntax;
#[cfg(test)]
mod tests;
mod word;

use std::collections::BTreeSet;

use self::word::{MACHINE, Untold, Variables};
use crate::error::{Error, Result};

/// What is read at most, in bytes: a line that goes on over many others counts with each of them.
const LIMIT: usize = 4 << 20;

/// The images that it names, as it names them, but those of one word: stages, and the public library's. 400 where one cannot be told.
pub fn images(text: &str) -> Result<BTreeSet<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    syntax::check(text)?;
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found = BTreeSet::new();
    for escape in ['\\', '`'] {
        let globals = globals(&lines, escape);
        let mut read = 0;
        for start in 0..lines.len() {
            let Some(line) = line::joined(lines.get(start..).unwrap_or_default(), escape) else { continue };
            read += line.len();
            if read > LIMIT {
                return Err(Error::invalid("the Dockerfile is too long"));
            }
            for image in named(&line, escape, &globals)?.into_iter().filter(|image| image.contains('/')) {
                match image.contains(MACHINE) {
                    true => return Err(untold(&image.replace(MACHINE, "?"))),
                    false => found.insert(image),
                };
            }
        }
    }
    Ok(found)
}

/// What the `ARG`s before the first stage say: the variables of a `FROM`. Nothing else may be there.
fn globals(lines: &[&str], escape: char) -> Variables {
    let mut globals = Variables::default();
    let mut at = 0;
    while let Some(left) = lines.get(at..).filter(|left| !left.is_empty()) {
        let (line, taken) = line::next(left, escape);
        at += taken;
        let (keyword, rest) = line::split(&line);
        match keyword.to_ascii_uppercase().as_str() {
            "" => {}
            "ARG" => line::words(&line::flags(rest, escape).1, escape).iter().for_each(|word| globals.set(word, escape)),
            _ => break,
        }
    }
    globals
}

/// The images of one instruction.
fn named(line: &str, escape: char, globals: &Variables) -> Result<Vec<String>> {
    let (mut keyword, mut rest) = line::split(line);
    while keyword.eq_ignore_ascii_case("ONBUILD") {
        (keyword, rest) = line::split(rest);
    }
    match keyword.to_ascii_uppercase().as_str() {
        "FROM" => {
            let (_, rest) = line::flags(rest, escape);
            let image = rest.split_whitespace().next().unwrap_or_default();
            Ok(vec![globals.expand(image, escape).map_err(|Untold| untold(image))?])
        }
        // Variables are not expanded there; what names one cannot be built.
        "COPY" | "ADD" | "RUN" => {
            let images: Vec<String> = line::flags(rest, escape).0.iter().flat_map(|flag| from(flag)).collect();
            images.iter().find(|image| image.contains('$')).map_or(Ok(()), |image| Err(untold(image)))?;
            Ok(images)
        }
        _ => Ok(Vec::new()),
    }
}

/// The values of `--from=IMAGE`, and of `--mount=type=bind,from=IMAGE`.
fn from(flag: &str) -> Vec<String> {
    let fields = flag.strip_prefix("--mount=").unwrap_or_else(|| flag.trim_start_matches("--")).replace('"', "");
    let pairs = fields.split(',').filter_map(|field| field.split_once('='));
    pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("from")).map(|(_, image)| image.trim().to_owned()).collect()
}

fn untold(image: &str) -> Error {
    Error::invalid(format!("image {image:?} of the Dockerfile cannot be told before it is built: write its name out"))
}
