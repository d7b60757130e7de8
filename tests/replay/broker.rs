//! What the broker was asked meanwhile: calls in their order, with query, fields and headers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{align::aligned, exchange, names::masked};
use crate::api::broker::Seen;

/// Headers of every HTTP client, which the recording leaves out.
const OF_CLIENTS: [&str; 6] = ["host", "user-agent", "accept-encoding", "content-length", "connection", "x-request-id"];

/// A call, without what differs from run to run.
#[derive(Debug, Deserialize)]
struct Asked {
    method: String,
    path: String,
    query: String,
    body: String,
    headers: BTreeMap<String, String>,
}

impl Asked {
    fn of(seen: &Seen) -> Self {
        let (method, uri) = seen.line.split_once(' ').unwrap();
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        Self { method: method.into(), path: path.into(), query: query.into(), body: seen.body.clone(), headers: seen.headers.clone() }
    }

    fn settled(mut self) -> Self {
        let lower = self.headers.into_iter().map(|(name, value)| (name.to_lowercase(), masked(&value)));
        self.headers = lower.filter(|(name, _)| !OF_CLIENTS.contains(&name.as_str())).collect();
        // Saying that anything will do is saying nothing.
        self.headers.retain(|name, value| name != "accept" || value != "*/*");
        // The recorder stood before the server and counted as the first of the two.
        if let Some(chain) = self.headers.get_mut("x-forwarded-for") {
            *chain = chain.rsplit(", ").next().unwrap_or_default().to_owned();
        }
        self
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Fields have no order, other bodies are text.
    fn content(&self) -> Vec<(String, String)> {
        let form = self.headers.get("content-type").is_some_and(|kind| kind.contains("form-urlencoded"));
        if !form {
            return vec![("body".into(), masked(&self.body))];
        }
        let form = reqwest::Url::parse(&format!("http://broker/?{}", self.body)).unwrap();
        let mut fields: Vec<_> = form.query_pairs().map(|(name, value)| (name.into_owned(), masked(&value))).collect();
        fields.sort();
        fields
    }

    fn differences(&self, ours: &Self) -> Vec<String> {
        let parts = [
            ("query", format!("{:?}", self.query), format!("{:?}", ours.query)),
            ("content", format!("{:?}", self.content()), format!("{:?}", ours.content())),
            ("headers", format!("{:?}", self.headers), format!("{:?}", ours.headers)),
        ];
        let differing = parts.into_iter().filter(|(_, there, here)| there != here);
        differing.map(|(part, there, here)| format!("{part}: {here}\n      instead of {there}")).collect()
    }
}

/// A pair of calls, or one that only one side made, with what differs.
pub struct Compared {
    /// `broker:4` the fourth recorded call, `broker:4+` one that we make after it.
    pub label: String,
    pub line: String,
    pub differences: Vec<String>,
}

/// Compares what was asked with `compat-tests/recorded/NAME.jsonl`.
pub fn compare(name: &str, seen: &[Seen]) -> Vec<Compared> {
    let there: Vec<Asked> = exchange::lines(name).iter().map(|line| serde_json::from_str::<Asked>(line).unwrap().settled()).collect();
    let here: Vec<Asked> = seen.iter().map(|seen| Asked::of(seen).settled()).collect();
    let lines = |calls: &[Asked]| -> Vec<String> { calls.iter().map(Asked::line).collect() };
    let compared = |(a, b): &(Option<usize>, Option<usize>), last: usize| match (a, b) {
        (Some(a), Some(b)) => (format!("{name}:{}", a + 1), there[*a].line(), there[*a].differences(&here[*b])),
        (Some(a), None) => (format!("{name}:{}", a + 1), there[*a].line(), vec!["is not asked".into()]),
        (None, Some(b)) => (format!("{name}:{last}+"), here[*b].line(), vec!["is asked too".into()]),
        (None, None) => unreachable!(),
    };
    let mut last = 0;
    let pairs = aligned(&lines(&there), &lines(&here));
    let mut all = Vec::new();
    for pair in &pairs {
        last = pair.0.map_or(last, |a| a + 1);
        let (label, line, differences) = compared(pair, last);
        all.push(Compared { label, line, differences });
    }
    all
}
