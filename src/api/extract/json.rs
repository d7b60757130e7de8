//! JSON bodies, decoded by Go's rules.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{go, json_syntax};
use crate::{
    error::{Error, Result},
    lenient::Lenient,
};

/// As much of a wrong body as the error repeats.
const SHOWN: usize = 4096;

/// A struct from a JSON body: names match in any case, unknown ones are skipped, `null` and an empty body say nothing.
pub fn decode_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let text = String::from_utf8_lossy(body);
    let value = if text.is_empty() { Ok(Value::Null) } else { parse(&text) };
    let decoded = value.and_then(|value| T::deserialize(Lenient(value)).map_err(|e| format!("json: cannot unmarshal: {e}")));
    decoded.map_err(|why| Error::invalid(format!("unable to parse as json: {} - {why}", shown(&text))))
}

/// The value of a JSON text, or why it has none.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| json_syntax::fault(text).unwrap_or_else(|| e.to_string()))
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{}...", go::quote(start)),
        None => go::quote(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Input {
        name: String,
        team_owner: String,
        count: i32,
        private: Option<bool>,
        tags: Vec<String>,
    }

    fn text_of(body: &str) -> String {
        decode_json::<Input>(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn recorded_bodies_are_read() {
        let found: Input =
            decode_json(br#"{"Name": "raw", "platform": "python", "TEAMOWNER": "demo", "tags": ["x"], "Private": true}"#).unwrap();
        let expected = Input { name: "raw".into(), team_owner: "demo".into(), tags: vec!["x".into()], private: Some(true), count: 0 };
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_said_is_no_error() {
        for nothing in ["", "null", "{}", " {\n} "] {
            assert_eq!(decode_json::<Input>(nothing.as_bytes()).unwrap(), Input::default(), "{nothing}");
        }
    }

    #[test]
    fn errors_repeat_the_body_as_tsuru_does() {
        assert_eq!(text_of("{"), r#"unable to parse as json: "{" - unexpected end of JSON input"#);
        assert_eq!(text_of("{\"a\"\n}"), r#"unable to parse as json: "{\"a\"\n}" - invalid character '}' after object key"#);
        assert!(text_of(r#"{"count":"x"}"#).starts_with(r#"unable to parse as json: "{\"count\":\"x\"}" - json: cannot unmarshal"#));
        assert!(text_of(r#"["a"]"#).contains("cannot unmarshal"));
    }

    #[test]
    fn deep_or_long_bodies_end_in_a_short_error() {
        assert!(text_of(&"[".repeat(1_000_000)).len() < 2 * SHOWN);
        assert!(text_of(&format!("{{\"other\":{}{}}}", "[".repeat(500), "]".repeat(500))).contains("recursion limit"));
    }

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode_json::<Input>(&body);
        }

        #[test]
        fn reads_back_what_clients_write(name in "\\PC{0,12}", count in any::<i32>(), tags in prop::collection::vec("\\PC{0,5}", 0..4)) {
            let body = serde_json::json!({"Name": name, "COUNT": count, "tags": tags}).to_string();
            let expected = Input { name, count, tags, ..Input::default() };
            prop_assert_eq!(decode_json::<Input>(body.as_bytes()).unwrap(), expected);
        }
    }
}
