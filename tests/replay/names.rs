//! What has another name in every run: tokens, ids, units, addresses. Masked where two answers are compared, and remembered, so that
//! a later request that names a recorded thing names ours.

use std::{collections::BTreeMap, sync::LazyLock};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};

/// (what it looks like, what it becomes)
static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let all = [
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", "<time>"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000: ", "<time> "),
        (r"\brpc error: code = Unknown desc = [^\n]*", "<the builder's error>"),
        (r"\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b", "<token>"),
        (r"\b[0-9a-f]{24}\b", "<id>"),
        (r"\b[a-z][a-z0-9-]*?-(?:web|worker|manual-job)-[a-z0-9]+(?:-[a-z0-9]+)*\b", "<unit>"),
        (r"\b127\.0\.0\.1:5000/rec\d+/|\btsuru/(app-|job-)", "<registry>/${1}"),
        (r"http://127\.0\.0\.1:\d+\b", "http://<address>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?", "<address>"),
        (r"\b([a-z0-9-]+)\.(?:apps\.)?localhost(?::\d+)?", "${1}.<domain>"),
        (r"\((?:\d+(?:\.\d+)?(?:µs|ms|s))\)", "(<duration>)"),
    ];
    all.map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask)).into()
});

/// Zero times and ids mean something: they stay.
const ZEROS: [&str; 2] = ["0001-01-01T00:00:00Z", "000000000000000000000000"];

/// A text without what differs from run to run.
pub fn masked(text: &str) -> String {
    let mask = |text: String, (pattern, mask): &(Regex, &str)| {
        let put = |found: &Captures<'_>| {
            let mut put = String::new();
            found.expand(mask, &mut put);
            if ZEROS.contains(&&found[0]) { found[0].to_owned() } else { put }
        };
        pattern.replace_all(&text, put).into_owned()
    };
    MASKS.iter().fold(text.to_owned(), mask)
}

/// Recorded names and ours.
#[derive(Default)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    pub fn is(&mut self, recorded: &str, ours: &str) {
        if recorded != ours && !recorded.is_empty() {
            self.0.insert(recorded.into(), ours.into());
        }
    }

    /// A recorded request's text with our names, also where it is encoded.
    pub fn ours(&self, text: &str) -> String {
        let encoded = |name: &str| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        let longest_first = {
            let mut all: Vec<_> = self.0.iter().collect();
            all.sort_by_key(|(recorded, _)| std::cmp::Reverse(recorded.len()));
            all
        };
        longest_first.into_iter().fold(text.to_owned(), |text, (recorded, ours)| {
            let encoded_address = recorded.replace(':', "%3A").replace('/', "%2F");
            text.replace(recorded, ours).replace(&encoded_address, &encoded(ours))
        })
    }
}
