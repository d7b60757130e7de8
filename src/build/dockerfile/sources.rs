//! Sources: the build service writes the build hooks of their tsuru.yaml into a Dockerfile of its own, whatever lines those have.

use std::{collections::BTreeSet, fs::File, io::Read, path::Path, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use crate::{
    build::{archive, tsuru_yaml},
    error::{Error, Result},
    names::compile,
};

/// The images that lines of hooks in this archive name. Blocks: call it where that is allowed.
pub fn images(file: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut first = Vec::new();
    File::open(file)?.take(2).read_to_end(&mut first)?;
    if first != [0x1f, 0x8b] {
        // The build service takes nothing else than gzip, and says so.
        return Ok(found);
    }
    for text in archive::texts(file, &tsuru_yaml::NAMES, tsuru_yaml::MAX_BYTES)? {
        for words in texts(&text)?.iter().filter(|words| words.contains('\n')) {
            found.extend(super::images(&format!("FROM scratch\n{words}"))?);
        }
    }
    Ok(found)
}

/// All texts in a YAML document: which of them are hooks is for the build service to say.
fn texts(yaml: &str) -> Result<Vec<String>> {
    // What a tag makes of a text is not seen here.
    static TAG: LazyLock<Regex> = LazyLock::new(|| compile(r"!!b|!!\S*%|!<|(?m)^%"));
    if TAG.is_match(yaml) {
        return Err(Error::invalid("failed to decode Tsuru YAML: tags are not taken"));
    }
    // Some are the end of a line to the build service's reader.
    let document = tsuru_yaml::document(&yaml.replace(['\u{85}', '\u{2028}', '\u{2029}'], "\n"))?;
    let (mut open, mut texts) = (vec![document], Vec::new());
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(all) => open.extend(all),
            Value::Object(all) => open.extend(all.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn named(files: &[(&str, &str)]) -> Result<Vec<String>> {
        let file = tempfile::NamedTempFile::new()?;
        let mut tar = tar::Builder::new(GzEncoder::new(file.reopen()?, Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            tar.append(&header, text.as_bytes())?;
        }
        tar.into_inner()?.finish()?;
        images(file.path()).map(|found| found.into_iter().collect())
    }

    #[test]
    fn hooks_with_lines_of_their_own_are_looked_through() {
        for yaml in [
            "hooks:\n  build:\n  - |\n    x'\n    FROM r.io/t/a\n    RUN true #\n",
            "Hooks: {BUILD: [\"x\\nCOPY --from=r.io/t/a / /\\n#\"]}",
            "x: &x \"x\\x0a\\x46ROM r.io/t/a\\n#\"\nhooks: {build: [*x]}",
            "# no\u{85}hooks: {build: [\"x\\nFROM r.io/t/a\\n#\"]}",
        ] {
            for path in ["tsuru.yaml", "./app.yml", "/tsuru.yml", "a/../app.yaml"] {
                assert_eq!(named(&[("big", &"x".repeat(3 << 20)), (path, yaml)]).unwrap(), ["r.io/t/a"], "{path} {yaml:?}");
            }
            assert!(named(&[("docs/app.yaml", yaml), ("x.yaml", yaml)]).unwrap().is_empty());
        }
    }

    #[test]
    fn usual_files_pass_and_what_cannot_be_read_does_not() {
        let usual = "# ours\nhooks:\n  build:\n  - pip install -r x && echo \"from r.io/t/a\" !\n  restart:\n    before: [make]\n\
                     healthcheck:\n  path: /\n";
        for yaml in [usual, "", "# nothing\n", "{}"] {
            assert!(named(&[("tsuru.yaml", yaml), ("Procfile", "web: x")]).unwrap().is_empty(), "{yaml:?}");
        }
        for yaml in
            ["a: !!binary eA==", "a: !<tag:yaml.org,2002:binary> eA==", "a: !!%62inary eA==", "%TAG ! tag:x\n---\na: b", "a: [", "\u{0}"]
        {
            assert!(named(&[("tsuru.yaml", yaml)]).is_err(), "{yaml:?}");
        }
    }
}
