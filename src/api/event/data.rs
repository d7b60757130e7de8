//! What an event was begun with and what came out, twice: as raw BSON for clients that decode it, and as plain JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use bson::{Bson, doc};
use serde::Serialize;
use serde_json::{Map, Value};

/// Raw BSON of one value.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Raw {
    /// The BSON type's number; 0: nothing.
    kind: u8,
    /// Its bytes in base64.
    data: Option<String>,
}

impl Raw {
    /// The value as it is in a document.
    pub fn of(value: Option<&Bson>) -> Self {
        value.and_then(raw).unwrap_or(Self { kind: 0, data: None })
    }
}

/// A document of one field is a length, the type, the field's name, the value, and a zero.
fn raw(value: &Bson) -> Option<Raw> {
    let bytes = doc! { "": value.clone() }.to_vec().ok()?;
    let (kind, data) = (*bytes.get(4)?, bytes.get(6..bytes.len().checked_sub(1)?)?);
    Some(Raw { kind, data: Some(STANDARD.encode(data)) })
}

/// The value as JSON: a list, or null. Clients differ on what else they take.
pub fn plain(value: Option<&Bson>) -> Value {
    match value {
        None | Some(Bson::Null) => Value::Null,
        Some(Bson::Array(items)) => items.iter().map(json).collect(),
        Some(one) => Value::Array(vec![json(one)]),
    }
}

fn json(value: &Bson) -> Value {
    match value {
        Bson::Document(doc) => Value::Object(doc.iter().map(|(key, value)| (key.clone(), json(value))).collect::<Map<_, _>>()),
        Bson::Array(items) => items.iter().map(json).collect(),
        Bson::ObjectId(id) => id.to_hex().into(),
        Bson::DateTime(time) => crate::clock::Time::from_millis(time.timestamp_millis()).rfc3339().into(),
        Bson::Binary(binary) => STANDARD.encode(&binary.bytes).into(),
        Bson::String(text) => text.as_str().into(),
        Bson::Boolean(flag) => (*flag).into(),
        Bson::Int32(n) => (*n).into(),
        Bson::Int64(n) => (*n).into(),
        Bson::Double(n) => (*n).into(),
        Bson::Null | Bson::Undefined => Value::Null,
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use bson::bson;
    use serde_json::json;

    use super::*;

    #[test]
    fn raw_values_are_what_mongodb_would_store() {
        // The recorded event of a bind: the array [{name: ":app", value: "raw"}] in bytes.
        let value = bson!([{"name": ":app", "value": "raw"}]);
        let raw = Raw::of(Some(&value));
        assert_eq!(raw.kind, 4);
        let bytes = STANDARD.decode(raw.data.unwrap()).unwrap();
        assert_eq!(bson::Document::from_reader(bytes.as_slice()).unwrap(), doc! {"0": {"name": ":app", "value": "raw"}});
        assert_eq!(Raw::of(Some(&bson!({"image": "v1"}))).kind, 3);
        assert_eq!(Raw::of(None), Raw { kind: 0, data: None });
    }

    #[test]
    fn plain_data_is_a_list_or_null() {
        assert_eq!(plain(None), Value::Null);
        assert_eq!(plain(Some(&bson!({"image": "v1", "n": 3_i64}))), json!([{"image": "v1", "n": 3}]));
        assert_eq!(plain(Some(&bson!([{"name": "a", "value": ["b", "c"]}]))), json!([{"name": "a", "value": ["b", "c"]}]));
    }
}
