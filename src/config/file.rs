//! A YAML file as tsurud reads it: nested keys joined by `:`, environment variables expanded in text.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value};

use super::known;
use crate::error::{Error, Result};

/// The values of a configuration file by their full key.
#[derive(Clone, Debug, Default)]
pub struct File(BTreeMap<String, Value>);

impl File {
    /// Reads a file; the error names it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::invalid(format!("cannot read {}: {e}", path.display())))?;
        Self::parse(&text).map_err(|e| Error::invalid(format!("{}: {e}", path.display())))
    }

    /// Reads YAML text.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let tree: Value = serde_saphyr::from_str(text).map_err(|e| Error::invalid(format!("not valid YAML: {e}")))?;
        let mut values = BTreeMap::new();
        match tree {
            Value::Object(_) => flatten("", tree, &mut values),
            Value::Null => {}
            _ => return Err(Error::invalid("it must hold keys and values")),
        }
        Ok(Self(values))
    }

    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys that neither tsurud nor this server knows: each is worth a warning.
    pub fn unknown(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).filter(|key| !known::is_known(key)).collect()
    }

    /// Keys of `clusters:defaults` that count as not set, as with tsurud: there only text counts.
    pub fn unquoted(&self) -> Vec<&str> {
        let is_text = |value: &Value| matches!(value, Value::String(_) | Value::Null);
        let others = self.0.iter().filter(|(key, value)| key.starts_with("clusters:defaults:") && !is_text(value));
        others.map(|(key, _)| key.as_str()).collect()
    }

    /// Text, with `$VAR` and `${VAR}` expanded.
    pub fn opt_text(&self, key: &str) -> Result<Option<String>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(expand(text, &|name| std::env::var(name).unwrap_or_default()))),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(wrong(key, other, "text")),
        }
    }

    /// Text or this default.
    pub fn text(&self, key: &str, default: &str) -> Result<String> {
        Ok(self.opt_text(key)?.unwrap_or_else(|| default.into()))
    }

    /// A whole number; also in quotes.
    pub fn opt_int(&self, key: &str) -> Result<Option<i64>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value @ Value::Number(number)) => number.as_i64().map(Some).ok_or_else(|| wrong(key, value, "a whole number")),
            Some(value) => {
                let text = self.opt_text(key)?.unwrap_or_default();
                text.parse()
                    .map(Some)
                    .map_err(|e: std::num::ParseIntError| Error::invalid(format!("{} ({e})", wrong(key, value, "a whole number"))))
            }
        }
    }

    /// A whole number or this default.
    pub fn int(&self, key: &str, default: i64) -> Result<i64> {
        Ok(self.opt_int(key)?.unwrap_or(default))
    }

    /// Everything under a key as a tree, with `$VAR` expanded in text; `Null` when there is nothing.
    pub fn tree(&self, key: &str) -> Value {
        let prefix = format!("{key}:");
        let below = self.0.iter().filter_map(|(full, value)| Some((full.strip_prefix(&prefix)?, value)));
        let mut tree = Value::Null;
        for (path, value) in below {
            let place = path.split(':').fold(&mut tree, |at, name| child(at, name));
            *place = expanded(value);
        }
        tree
    }

    /// The value of a key as it is, a list for example; `Null` when there is none.
    pub fn value(&self, key: &str) -> Value {
        self.0.get(key).cloned().unwrap_or_default()
    }

    /// `true` or `false`, without quotes, or this default.
    pub fn bool(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.opt_bool(key)?.unwrap_or(default))
    }

    /// `true` or `false`, without quotes.
    pub fn opt_bool(&self, key: &str) -> Result<Option<bool>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(wrong(key, other, "true or false")),
        }
    }
}

fn child<'a>(at: &'a mut Value, name: &str) -> &'a mut Value {
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    &mut at[name]
}

fn expanded(value: &Value) -> Value {
    match value {
        Value::String(text) => expand(text, &|name| std::env::var(name).unwrap_or_default()).into(),
        other => other.clone(),
    }
}

fn wrong(key: &str, value: &Value, wanted: &str) -> Error {
    // The value itself may be a secret in the wrong place.
    let kind = match value {
        Value::Object(_) => "a map",
        Value::Array(_) => "a list",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        _ => "text",
    };
    Error::invalid(format!("{key}: wanted {wanted}, found {kind}"))
}

fn flatten(prefix: &str, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let full = if prefix.is_empty() { key } else { format!("{prefix}:{key}") };
                flatten(&full, value, into);
            }
        }
        other => {
            into.insert(prefix.into(), other);
        }
    }
}

fn expand(text: &str, lookup: &dyn Fn(&str) -> String) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, tail) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(found) => found,
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        out.push_str(&if name.is_empty() { "$".into() } else { lookup(name) });
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_keys_are_joined_by_colons() {
        let file = File::parse("auth:\n  token-expire-days: \"3\"\nlisten: 127.0.0.1:1\n").unwrap();
        assert_eq!(file.int("auth:token-expire-days", 7).unwrap(), 3);
        assert_eq!(file.text("listen", "").unwrap(), "127.0.0.1:1");
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        let file = File::parse("auth:\n  user-registration: \"true\"\n  token-expire-days: soon\n").unwrap();
        assert!(file.bool("auth:user-registration", false).unwrap_err().to_string().starts_with("auth:user-registration: "));
        assert!(file.int("auth:token-expire-days", 7).unwrap_err().to_string().starts_with("auth:token-expire-days: "));
    }

    #[test]
    fn unknown_keys_are_found() {
        let file = File::parse("listen: a\nlisten-on: b\nrouters:\n  x:\n    type: api\n").unwrap();
        assert_eq!(file.unknown(), ["listen-on"]);
        let defaults = File::parse("clusters: {defaults: {disable-pdb: true, max-surge: 25%, single-pool: 'true'}}").unwrap();
        assert_eq!(defaults.unquoted(), ["clusters:defaults:disable-pdb"]);
    }

    #[test]
    fn variables_are_expanded() {
        let lookup = |name: &str| format!("<{name}>");
        assert_eq!(expand("a $B-${C}d $", &lookup), "a <B>-<C>d $");
    }
}
