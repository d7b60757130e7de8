//! Compares an answer of ours with the recorded one: status, headers that clients read, JSON field by field, texts to the letter.

use serde_json::Value;

use super::{
    align::aligned,
    exchange::Exchange,
    names::{Names, masked},
    progress,
};
use crate::api::harness::Reply;

/// Headers that clients read, and that say how a body is to be read.
const HEADERS: [&str; 5] = ["Content-Type", "Location", "Supported-Tsuru", "Www-Authenticate", "X-Content-Type-Options"];

/// Where a recording says that a text is of a library and any will do.
const ANY_TEXT: &str = "(text of the decoder)";

/// Headers that must be there or not, with any value.
const PRESENT: [&str; 1] = ["X-Tsuru-Eventid"];

/// Addresses, and documents in a form of their own that are shown in clear beside it.
const OPAQUE: [&str; 3] = ["SourceIP", "Data", "Instance"];

/// The recorded cluster has no metrics server.
const NO_METRICS: &str = "unable to get units metrics: ";

/// The server's own lines of a log, as one text; entries of apps' units are theirs to make.
fn settle(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("error").and_then(Value::as_str).is_some_and(|text| text.starts_with(NO_METRICS)) {
                map.remove("error");
            }
            if let Some(Value::Array(entries)) = map.get_mut("StructuredLog") {
                let text: String = entries.iter().filter_map(|entry| entry["Message"].as_str()).collect();
                let own: Vec<Value> = progress::lines(&text).into_iter().map(Value::from).collect();
                map["StructuredLog"] = own.into();
            }
            if let Some(Value::Array(form)) = map.get_mut("Start") {
                form.sort_by_key(|field| field["name"].to_string());
            }
            if let Some(Value::Array(plans)) = map.get_mut("volume-plan") {
                plans.sort_by_key(Value::to_string);
            }
            if let Some(Value::Array(units)) = map.get_mut("units") {
                units.sort_by_key(|unit| unit["Version"].as_i64());
            }
            map.values_mut().for_each(settle);
        }
        Value::Array(list) => {
            list.retain(|entry| match (entry.get("Unit"), entry["Message"].as_str()) {
                (Some(unit), Some(message)) => (unit == "" || unit == "api") && !progress::lines(message).is_empty(),
                _ => true,
            });
            list.iter_mut().for_each(settle);
        }
        _ => {}
    }
}

/// A comparison at work.
pub struct Comparison<'a> {
    there: &'a Exchange,
    names: &'a mut Names,
    found: Vec<String>,
}

fn are_events(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|entry| entry.get("UniqueID").is_some())
}

fn title(event: &Value) -> String {
    [&event["Kind"]["Name"], &event["Target"]["Type"], &event["Target"]["Value"]].map(|part| part.as_str().unwrap_or_default()).join(" ")
}

/// What differs, empty when nothing does. Names of ours are learnt on the way.
pub fn differences(there: &Exchange, here: &Reply, names: &mut Names) -> Vec<String> {
    let mut comparison = Comparison { there, names, found: Vec::new() };
    comparison.heads(here);
    comparison.bodies(here);
    comparison.found
}

impl Comparison<'_> {
    fn differs(&mut self, place: &str, there: impl std::fmt::Debug, here: impl std::fmt::Debug) {
        self.found.push(format!("{place}: {here:?} instead of {there:?}"));
    }

    fn heads(&mut self, here: &Reply) {
        let there = self.there;
        if there.status != here.status {
            self.differs("status", there.status, here.status);
        }
        for name in HEADERS {
            let (a, b) = (there.header(name), here.header(name));
            // One more safeguard than tsuru has is no difference to a client.
            if a != b && (name != "X-Content-Type-Options" || a.is_some()) {
                self.differs(name, a, b);
            }
        }
        for name in PRESENT {
            match (there.header(name), here.header(name)) {
                (Some(recorded), Some(ours)) => self.names.is(recorded, ours),
                (None, None) => {}
                (a, b) => self.differs(name, a, b),
            }
        }
    }

    fn bodies(&mut self, here: &Reply) {
        let (a, b) = (self.there.response_body.as_str(), here.text.as_str());
        if self.there.method == "HEAD" {
            return; // Only a socket leaves the body away.
        }
        match self.there.header("Content-Type") {
            Some("application/x-json-stream") if !a.starts_with('[') => self.streams(a, b),
            Some("text") => self.lines("progress", a, b),
            _ => match (serde_json::from_str(a), serde_json::from_str(b)) {
                (Ok(there), Ok(here)) => {
                    self.trees("$", &self.ordered(there), &self.ordered(here));
                    if a.ends_with('\n') != b.ends_with('\n') {
                        self.differs("newline at the end", a.ends_with('\n'), b.ends_with('\n'));
                    }
                }
                _ if a.strip_suffix(ANY_TEXT).is_some_and(|start| b.starts_with(start)) => {}
                _ if masked(a) != masked(b) => self.differs("text", a, b),
                _ => {}
            },
        }
    }

    fn streams(&mut self, there: &str, here: &str) {
        match (progress::text(there), progress::text(here)) {
            (Ok(a), Ok(b)) => self.lines("progress", &a, &b),
            (a, b) => self.differs("stream", a, b),
        }
    }

    fn lines(&mut self, place: &str, there: &str, here: &str) {
        let (a, b) = (masked(there), masked(here));
        let (a, b) = (progress::lines(&a), progress::lines(&b));
        if a != b {
            self.differs(place, a, b);
        }
    }

    /// Without what only the recorded cluster and machine say, and with what tsuru takes from a map or from the store in no
    /// order put in one.
    fn ordered(&self, mut value: Value) -> Value {
        settle(&mut value);
        let by_name = |value: &Value| ["name", "Name", "Email"].iter().find_map(|key| value.get(key)).map(Value::to_string);
        if ["/env", "/teams", "/users"].iter().any(|end| self.there.path.ends_with(end)) {
            value.as_array_mut().into_iter().for_each(|list| list.sort_by_key(by_name));
        }
        if let Some(events) = value.as_array_mut().filter(|list| are_events(list)) {
            let both = |a: &Value, b: &Value| [a, b].iter().all(|event| event["Kind"]["Name"] == "role.default.create");
            events.chunk_by_mut(both).for_each(|same| same.sort_by_key(title));
        }
        if self.there.path.ends_with("/volumeplans") {
            let lists = value.as_object_mut().into_iter().flat_map(|map| map.values_mut());
            lists.filter_map(Value::as_array_mut).for_each(|list| list.sort_by_key(by_name));
        }
        value
    }

    /// Events of the same kind and target, side by side in their order. Each is a part of its own, which is explained for itself.
    fn events(&mut self, there: &[Value], here: &[Value]) {
        let mut last = 0;
        let pairs = aligned(&there.iter().map(title).collect::<Vec<_>>(), &here.iter().map(title).collect::<Vec<_>>());
        for pair in pairs {
            match pair {
                (Some(a), Some(b)) => self.trees(&format!("[{a}]"), &there[a], &here[b]),
                (Some(a), None) => self.found.push(format!("[{a}] no event {}", title(&there[a]))),
                // Where the list is cut, there is room for older ones in place of those that are missing.
                (None, Some(_)) if last + 1 == there.len() => {}
                (None, Some(b)) => self.found.push(format!("[{last}+] event {}", title(&here[b]))),
                (None, None) => {}
            }
            last = pair.0.unwrap_or(last);
        }
    }

    fn trees(&mut self, place: &str, there: &Value, here: &Value) {
        match (there, here) {
            (Value::Object(a), Value::Object(b)) => {
                for (key, value) in a {
                    match b.get(key) {
                        Some(other) if OPAQUE.contains(&key.as_str()) && value.is_string() == other.is_string() => {}
                        Some(other) => self.trees(&format!("{place}.{key}"), value, other),
                        None => self.found.push(format!("{place}.{key}: missing, instead of {value}")),
                    }
                }
                b.iter()
                    .filter(|(key, _)| !a.contains_key(*key))
                    .for_each(|(key, value)| self.found.push(format!("{place}.{key}: {value}, not there")));
            }
            (Value::Array(a), Value::Array(b)) if are_events(a) && are_events(b) => self.events(a, b),
            (Value::Array(a), Value::Array(b)) => {
                if a.len() != b.len() {
                    self.found.push(format!(
                        "{place}: {} elements instead of {}\n      there {there}\n      here  {here}",
                        b.len(),
                        a.len()
                    ));
                    return;
                }
                a.iter().zip(b).enumerate().for_each(|(at, (a, b))| self.trees(&format!("{place}[{at}]"), a, b));
            }
            (Value::String(a), Value::String(b)) if masked(a) == masked(b) => self.names.is(a, b),
            (Value::String(a), Value::String(b)) if place.ends_with(".Log") => {
                let [a, b] = [a, b].map(|log| masked(log).replace("<time> ", ""));
                self.lines(place, &a, &b);
            }
            (Value::Number(a), Value::Number(b)) if place.ends_with(".Duration") && a.is_i64() == b.is_i64() => {}
            (a, b) if a == b => {}
            (a, b) => self.differs(place, a, b),
        }
    }
}
