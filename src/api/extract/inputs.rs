//! Single values of a request by their exact names, from wherever they came.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Values, go};
use crate::error::Result;

/// Names and texts of all fields together, as events keep them.
const MAX_FIELD_BYTES: usize = 4 << 20;

/// Query, form and the top level of a JSON body, as texts.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    plain: Values,
    json: Map<String, Value>,
    printed: BTreeMap<String, Vec<String>>,
}

impl Inputs {
    /// From a query and a form.
    pub fn new(plain: Values) -> Self {
        Self { plain, ..Self::default() }
    }

    /// From a query and a JSON body. What is no JSON object has no fields, and that is no error.
    pub fn with_json(query: Values, body: &[u8]) -> Result<Self> {
        let value = serde_json::from_str(&String::from_utf8_lossy(body)).unwrap_or_default();
        let Value::Object(json) = value else { return Ok(Self::new(query)) };
        let texts = |value: &Value| match value {
            Value::Array(items) => items.iter().map(printed).collect(),
            one => vec![printed(one)],
        };
        let printed = json.iter().map(|(key, value)| (key.clone(), texts(value))).collect();
        Ok(Self { plain: query, json, printed })
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.plain.get(name).or_else(|| self.printed.get(name)?.first().map(String::as_str))
    }

    /// The first value of a name, empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every value of a name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.plain.all(name).chain(self.printed.get(name).into_iter().flatten().map(String::as_str))
    }

    /// True when the value is one of Go's spellings of true; anything else counts as false.
    pub fn flag(&self, name: &str) -> bool {
        go::parse_bool(self.text(name)).unwrap_or(false)
    }

    /// All fields by name, as events keep them: what is nested in JSON has dotted names.
    pub fn into_fields(self) -> Vec<(String, Vec<String>)> {
        let mut fields = Fields::default();
        self.plain.iter().for_each(|(key, value)| fields.add(key.to_owned(), value.to_owned()));
        for (key, value) in &self.json {
            fields.flatten(escaped(key), value);
        }
        fields.by_name.into_iter().collect()
    }
}

#[derive(Default)]
struct Fields {
    by_name: BTreeMap<String, Vec<String>>,
    bytes: usize,
}

impl Fields {
    fn add(&mut self, name: String, value: String) {
        self.bytes = self.bytes.saturating_add(name.len()).saturating_add(value.len());
        if !self.is_full() {
            self.by_name.entry(name).or_default().push(value);
        }
    }

    /// A long name above many values would repeat itself for each of them without end.
    fn is_full(&self) -> bool {
        self.bytes > MAX_FIELD_BYTES
    }

    fn flatten(&mut self, name: String, value: &Value) {
        match value {
            _ if self.is_full() => {}
            Value::Array(items) if !items.is_empty() => {
                items.iter().enumerate().for_each(|(i, item)| self.nest(&name, &i.to_string(), item));
            }
            Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, item)| self.nest(&name, &escaped(key), item)),
            one => self.add(name, encoded(one)),
        }
    }

    fn nest(&mut self, above: &str, key: &str, value: &Value) {
        if !self.is_full() {
            self.flatten(format!("{above}.{key}"), value);
        }
    }
}

fn escaped(key: &str) -> String {
    key.replace('\\', "\\\\").replace('.', "\\.")
}

/// As the stock client's form encoder writes it: what is zero is empty.
fn encoded(value: &Value) -> String {
    match value {
        Value::Bool(true) => "true".into(),
        Value::String(text) => text.clone(),
        Value::Number(n) if n.as_f64() != Some(0.0) => printed(value),
        _ => String::new(),
    }
}

/// As Go prints a decoded JSON value: every number is a float to it.
fn printed(value: &Value) -> String {
    let mut out = String::new();
    print(&mut out, value);
    out
}

fn print(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&go::format_float(n.as_f64().unwrap_or_default())),
        Value::String(text) => out.push_str(text),
        Value::Array(items) => print_list(out, "[", items.iter().map(|item| ("", item))),
        Value::Object(map) => print_list(out, "map[", map.iter().map(|(key, item)| (key.as_str(), item))),
    }
}

fn print_list<'a>(out: &mut String, open: &str, items: impl Iterator<Item = (&'a str, &'a Value)>) {
    out.push_str(open);
    for (i, (key, item)) in items.enumerate() {
        out.push_str(if i > 0 { " " } else { "" });
        if open == "map[" {
            out.push_str(key);
            out.push(':');
        }
        print(out, item);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(query: &str, body: &str) -> Inputs {
        Inputs::with_json(Values::parse(query).unwrap(), body.as_bytes()).unwrap()
    }

    fn fields(query: &str, body: &str) -> Vec<(String, Vec<String>)> {
        of(query, body).into_fields()
    }

    #[test]
    fn json_fields_are_texts_as_go_prints_them() {
        let found =
            of("", r#"{"b":true,"n":5,"big":1000000,"f":1.5,"null":null,"list":["a",2,false],"map":{"y":[1,2],"x":"z"},"noRestart":"t"}"#);
        let texts = ["b", "n", "big", "f", "null", "map"].map(|name| found.text(name));
        assert_eq!(texts, ["true", "5", "1e+06", "1.5", "<nil>", "map[x:z y:[1 2]]"]);
        assert_eq!(found.all("list").collect::<Vec<_>>(), ["a", "2", "false"]);
        assert!(found.flag("b") && found.flag("noRestart") && !found.flag("n") && !found.flag("absent"));
        assert_eq!((found.get("absent"), found.get("B")), (None, None));
    }

    #[test]
    fn the_query_comes_before_the_body() {
        assert_eq!(of("limit=1", r#"{"limit":2}"#).all("limit").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn a_body_that_is_no_object_has_no_fields() {
        for body in ["", "null", "[1]", "\"x\"", "{", "\u{0}"] {
            assert_eq!(fields("a=1", body), [("a".to_owned(), vec!["1".to_owned()])], "{body}");
        }
    }

    #[test]
    fn events_keep_nested_fields_under_dotted_names() {
        let found = fields("tag=a&tag=b", r#"{"container":{"image":"i","command":["x","y"]},"manual":false,"limit":0,"a.b":1e6,"e":{}}"#);
        let expected = [
            ("a\\.b", vec!["1e+06"]),
            ("container.command.0", vec!["x"]),
            ("container.command.1", vec!["y"]),
            ("container.image", vec!["i"]),
            ("e", vec![""]),
            ("limit", vec![""]),
            ("manual", vec![""]),
            ("tag", vec!["a", "b"]),
        ];
        assert_eq!(found, expected.map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect())));
    }

    #[test]
    fn a_long_name_above_many_values_does_not_multiply() {
        let body = format!("{{\"{}\":[{}1]}}", "k".repeat(1 << 20), "1,".repeat(100_000));
        assert!(fields("", &body).len() < 10);
    }

    proptest! {
        #[test]
        fn never_panics(query in "[a-z.&=_]{0,20}", body in "([\\[\\]{},:0-9]|\"a\"|true|null){0,12}|\\PC{0,20}") {
            let _ = fields(&query, &body);
        }
    }
}
