//! A line of the log, as it is on disk: milliseconds, source, unit and text between tabs.

use crate::{clock::Time, provisioner::LogLine};

/// Longer lines are cut into several.
const LONGEST: usize = 16 << 10;

/// A line on its way to the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub millis: i64,
    /// Source without tab or newline.
    pub source: String,
    /// Unit without tab or newline.
    pub unit: String,
    /// Text; newlines in it become spaces.
    pub text: String,
}

impl Entry {
    /// The line on disk.
    pub fn encode(&self) -> String {
        format!("{}\t{}\t{}\t{}\n", self.millis, one_word(&self.source), one_word(&self.unit), self.text.replace(['\n', '\r'], " "))
    }

    /// From the disk; none for what is no line of ours.
    pub fn decode(line: &str) -> Option<LogLine> {
        let mut parts = line.splitn(4, '\t');
        let millis = parts.next()?.parse().ok()?;
        let (source, unit) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(LogLine { date: Time::from_millis(millis), source, unit, message: parts.next()?.to_owned() })
    }
}

fn one_word(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

/// Makes lines of pieces of output.
#[derive(Debug, Default)]
pub struct Splitter(Vec<u8>);

impl Splitter {
    /// Takes a piece; gives the lines that it ended.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(piece);
        let mut lines = Vec::new();
        while let Some(end) = self.end() {
            let mut line: Vec<u8> = self.0.drain(..end).collect();
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        lines
    }

    fn end(&self) -> Option<usize> {
        let newline = self.0.iter().take(LONGEST).position(|byte| *byte == b'\n').map(|at| at + 1);
        newline.or((self.0.len() >= LONGEST).then_some(LONGEST))
    }

    /// What is left without a newline.
    pub fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.0);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_become_lines() {
        let mut splitter = Splitter::default();
        assert!(splitter.push(b"ab").is_empty());
        assert_eq!(splitter.push(b"c\r\nd\n\ne"), ["abc", "d", ""]);
        assert_eq!(splitter.rest().as_deref(), Some("e"));
        assert_eq!(splitter.rest(), None);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.push(&vec![b'x'; LONGEST * 2 + 5]).len(), 2);
        assert_eq!(splitter.rest().map(|rest| rest.len()), Some(5));
    }

    proptest! {
        #[test]
        fn every_line_comes_back_from_the_disk(source in "[a-z]{1,9}", unit in "[a-z0-9-]{0,20}", text in "[^\n\r]*") {
            let entry = Entry { millis: 7, source: source.clone(), unit: unit.clone(), text: text.clone() };
            let encoded = entry.encode();
            let line = Entry::decode(encoded.strip_suffix('\n').unwrap()).unwrap();
            prop_assert_eq!((line.source, line.unit, line.message), (source, unit, text));
        }
    }
}
