//! `Procfile`: one `name: command` a line. As tsuru reads it, any other line says nothing.

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use crate::error::{Error, Result};

const MAX_BYTES: usize = 256 * 1024;
pub(super) const MAX_PROCESSES: usize = 100;
const MAX_NAME: usize = 63;

/// The processes and their commands; of a name that comes twice the last counts.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    if text.len() > MAX_BYTES {
        return Err(Error::invalid(format!("Procfile: larger than {MAX_BYTES} bytes")));
    }
    let mut processes = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').split('\n').enumerate() {
        let Some((name, command)) = entry(line) else { continue };
        if name.len() > MAX_NAME {
            return Err(refusal(index, &format!("process name longer than {MAX_NAME} characters")));
        }
        if command.contains('\0') {
            return Err(refusal(index, "a command cannot contain a zero byte"));
        }
        processes.insert(name.to_owned(), command.to_owned());
        if processes.len() > MAX_PROCESSES {
            return Err(refusal(index, &format!("more than {MAX_PROCESSES} processes")));
        }
    }
    Ok(processes)
}

/// The `Procfile` of an unpacked upload, when there is one.
pub fn read(dir: &Path) -> Result<Option<String>> {
    read_text(&dir.join("Procfile"), MAX_BYTES)
}

/// A small text file; a link, a folder or a device of that name counts as absent, because its content is not the upload's.
pub(super) fn read_text(path: &Path, limit: usize) -> Result<Option<String>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(Error::invalid(format!("{name}: larger than {limit} bytes")));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(e) => Err(Error::invalid(format!("{name}: not UTF-8 text at byte {}", e.utf8_error().valid_up_to()))),
    }
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, command) = line.split_once(':')?;
    let command = command.trim();
    (is_plain(name) && !command.is_empty()).then_some((name, command))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Letters, digits, `-` and `_`, and not too many.
pub fn is_process_name(name: &str) -> bool {
    is_plain(name) && name.len() <= MAX_NAME
}

fn refusal(index: usize, why: &str) -> Error {
    Error::invalid(format!("Procfile: line {}: {why}", index + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().collect()
    }

    #[test]
    fn reads_names_and_trimmed_commands() {
        let found = pairs("web: a b c\r\nworker: \t  x y z \r  \nw_2-b:z\n");
        let expected = [("w_2-b", "z"), ("web", "a b c"), ("worker", "x y z")];
        assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn skips_what_is_no_entry() {
        assert!(pairs("invalid\n# note: this\nweb:\n web: indented\nw b: x\n: y\nweb:  \t\n").is_empty());
    }

    #[test]
    fn a_command_keeps_its_colons_and_the_last_of_a_name_counts() {
        assert_eq!(pairs("\u{feff}web: old\nweb: run a:b"), [("web".to_owned(), "run a:b".to_owned())]);
    }

    #[test]
    fn refuses_too_much_and_names_the_line() {
        let many: String = (0..=MAX_PROCESSES).map(|i| format!("p{i}: x\n")).collect();
        assert_eq!(parse(&many).unwrap_err().to_string(), "Procfile: line 101: more than 100 processes");
        let long = format!("a: b\n{}: x", "n".repeat(MAX_NAME + 1));
        assert!(parse(&long).unwrap_err().to_string().starts_with("Procfile: line 2: "));
        assert!(parse(&"\n".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn a_link_is_not_followed_out_of_the_upload() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("Procfile")).unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
    }

    proptest! {
        #[test]
        fn agrees_with_the_documented_line_shape(text in "(web|a-b|_9|x y)?[:a ]{0,3}[ \t]{0,2}\\PC{0,12}") {
            let shape = regex::Regex::new(r"^([A-Za-z0-9_-]+):[\t\n\f\r ]*(.+)$").unwrap();
            let expected = shape.captures(&text).map(|c| (c[1].to_owned(), c[2].trim().to_owned())).filter(|(_, c)| !c.is_empty());
            prop_assert_eq!(pairs(&text).pop(), expected);
        }

        #[test]
        fn never_panics(text in "\\PC{0,200}|(.|\n){0,80}") {
            let _ = parse(&text);
        }
    }
}
