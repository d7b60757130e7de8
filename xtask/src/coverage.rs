//! Contract coverage: each case of the contract's table was asserted by a test of the run before, or the table says why it cannot be.

#[path = "../../tests/contract/table.rs"]
#[expect(dead_code, reason = "the tests read more of the table than this step does")]
mod table;

use std::{collections::HashMap, fs, path::Path};

use crate::Result;
use table::{Case, Key};

/// The variable that names the file where tests note what they assert.
pub const VARIABLE: &str = "IMPAAS_CONTRACT_CASES";

/// Compares the table with what was noted. What is missing is printed by route.
pub fn check(root: &Path, noted: &Path) -> Result<String> {
    let text = |path: &str| fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"));
    let table = table::read(&text("tests/contract/routes.csv")?, &text("tests/contract/errors.csv")?)?;
    let noted = fs::read_to_string(noted).map_err(|error| format!("what tests asserted: {}: {error}", noted.display()))?;
    let asserted = asserted(&noted)?;
    let (mut total, mut covered, mut excused) = (0, 0, 0);
    let mut missing = Vec::new();
    for route in &table {
        let of_route = asserted.get(&route.key).map_or(&[][..], Vec::as_slice);
        for case in &route.cases {
            total += 1;
            if of_route.iter().any(|one| one.covers(case)) {
                covered += 1;
            } else if case.unless.is_some() {
                excused += 1;
            } else {
                missing.push(format!("{} {} ({}): {}", route.key.0, route.key.1, route.key.2, shown(case)));
            }
        }
    }
    let summary = format!("{covered} cases of {total} covered, {excused} with a reason why not");
    println!("    {summary}");
    missing.iter().for_each(|line| println!("    missing: {line}"));
    if missing.is_empty() { Ok(summary) } else { Err(format!("{summary}; {} cases are asserted by no test", missing.len())) }
}

/// Something that a test asserted of an answer.
#[derive(Debug)]
struct Asserted {
    status: u16,
    want: Option<String>,
    text: Option<String>,
}

impl Asserted {
    fn covers(&self, case: &Case) -> bool {
        let text = match (&case.text, &self.text) {
            (None, None) => true,
            (Some(pattern), Some(text)) => table::matches(pattern, text),
            _ => false,
        };
        text && self.status == case.status && (case.want.is_none() || case.want == self.want)
    }
}

fn asserted(text: &str) -> Result<HashMap<Key, Vec<Asserted>>> {
    let mut all: HashMap<Key, Vec<Asserted>> = HashMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [method, path, since, status, want, text] = fields[..] else { return Err(format!("what tests asserted: {line:?}")) };
        let status = status.parse().map_err(|error: std::num::ParseIntError| format!("what tests asserted: {line:?}: {error}"))?;
        let text = text.strip_prefix('=').map(unescaped);
        let want = (want != "-").then(|| want.to_owned());
        all.entry((method.into(), path.into(), since.into())).or_default().push(Asserted { status, want, text });
    }
    Ok(all)
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                other => other.unwrap_or('\\'),
            },
            (c, false) => c,
        });
    }
    plain
}

fn shown(case: &Case) -> String {
    match (&case.text, &case.want) {
        (None, _) => format!("{} (success)", case.status),
        (Some(text), None) => format!("{} {text:?}", case.status),
        (Some(text), Some(want)) => format!("{} {text:?} for want of {want}", case.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(status: u16, text: Option<&str>, want: Option<&str>) -> Case {
        Case { status, text: text.map(Into::into), want: want.map(Into::into), unless: None }
    }

    #[test]
    fn only_what_was_asserted_covers_a_case() {
        let noted = asserted("GET\t/a\t1.0\t404\t-\t=App x not found.\nGET\t/a\t1.0\t403\tp\t=no\nGET\t/a\t1.0\t200\t-\t-\n").unwrap();
        let covered = |case: &Case| noted.values().flatten().any(|one| one.covers(case));
        assert!(covered(&case(404, Some("App <app> not found."), None)));
        assert!(covered(&case(403, Some("no"), Some("p"))));
        assert!(covered(&case(200, None, None)));
        assert!(!covered(&case(403, Some("no"), Some("q"))));
        assert!(!covered(&case(404, None, None)));
        assert!(!covered(&case(200, Some("done"), None)));
        assert!(!covered(&case(500, Some("App <app> not found."), None)));
    }

    #[test]
    fn texts_come_back_as_they_were_noted() {
        assert_eq!(unescaped("a\\nb\\\\n\\t"), "a\nb\\n\t");
    }
}
