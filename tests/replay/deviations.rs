//! `compat-tests/recorded/different.csv`: recorded exchanges that differ, each with the row of `compat-tests/deviations.csv` that says
//! why.

use std::{collections::BTreeSet, path::Path};

/// Labels of exchanges that may differ, and must.
pub fn explained() -> BTreeSet<String> {
    let reasons = rows("deviations.csv");
    let known = |route: &str, tsuru: &str| reasons.iter().any(|row| row[0] == route && row[1].starts_with(tsuru));
    let label = |row: Vec<String>| {
        assert!(known(&row[1], &row[2]), "{row:?} names no row of compat-tests/deviations.csv");
        row[0].clone()
    };
    rows("recorded/different.csv").into_iter().map(label).collect()
}

fn rows(file: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat-tests").join(file);
    let mut rows = records(&std::fs::read_to_string(path).unwrap());
    rows.remove(0);
    rows
}

/// Rows of CSV, quoted fields with their quotes undone.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(letter),
        }
    }
    rows
}

#[test]
fn rows_are_read_with_their_quotes_undone() {
    assert_eq!(records("a,\"b \"\"c\"\", d\"\ne,\n"), [vec!["a", "b \"c\", d"], vec!["e", ""]]);
}
