//! One recorded exchange between a client and tsuru's server.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

/// As `compat-tests/recorded/*.jsonl` has it.
#[derive(Debug, Deserialize)]
pub struct Exchange {
    pub step: String,
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub query: String,
    pub request_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    request_body: String,
    #[serde(default)]
    request_body_base64: bool,
    pub status: u16,
    #[serde(default)]
    pub response_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub response_body: String,
    /// `raw:login#2`: the recording, the step, and which of the step's exchanges when it is not the first.
    #[serde(skip)]
    pub label: String,
}

impl Exchange {
    /// What was sent; text may name things, and names differ from run to run.
    pub fn body(&self, rename: impl Fn(&str) -> String) -> Vec<u8> {
        if self.request_body_base64 {
            return BASE64_STANDARD.decode(&self.request_body).unwrap();
        }
        rename(&self.request_body).into_bytes()
    }

    pub fn request_header(&self, name: &str) -> Option<&str> {
        self.request_headers.get(name).and_then(|values| values.first()).map(String::as_str)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.response_headers.get(name).and_then(|values| values.first()).map(String::as_str)
    }
}

/// The exchanges of `compat-tests/recorded/NAME.jsonl` in their order.
pub fn recording(name: &str) -> Vec<Exchange> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut labelled = |mut exchange: Exchange| {
        let nth = times.entry(exchange.step.clone()).and_modify(|n| *n += 1).or_insert(1);
        let number = if *nth == 1 { String::new() } else { format!("#{nth}") };
        exchange.label = format!("{name}:{}{number}", exchange.step);
        exchange
    };
    lines(name).into_iter().map(|line| labelled(serde_json::from_str(&line).unwrap())).collect()
}

/// The lines of a recording.
pub fn lines(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat-tests/recorded").join(format!("{name}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(str::to_owned).collect()
}
