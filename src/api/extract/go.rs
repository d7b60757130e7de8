//! How Go reads and writes single values: clients were written against it.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error};

/// Go's spellings of a boolean.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A whole decimal number with an optional sign.
pub fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// The text of a number as Go prints it: from a million on with an exponent, `1e+06`.
pub fn format_float(number: f64) -> String {
    let shortest = format!("{number:e}");
    let Some((digits, exponent)) = shortest.split_once('e').and_then(|(d, e)| Some((d, e.parse::<i32>().ok()?))) else {
        return shortest;
    };
    if (-4..21).contains(&exponent) && exponent < 6 || exponent == 0 {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// A text in double quotes with Go's escapes.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    text.chars().for_each(|c| quote_char(&mut out, c, '"'));
    out.push('"');
    out
}

/// A character in single quotes, as Go's messages about JSON show it.
pub fn quote_byte(byte: u8) -> String {
    let mut out = String::from("'");
    quote_char(&mut out, char::from(byte), '\'');
    out.push('\'');
    out
}

fn quote_char(out: &mut String, c: char, around: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0b' => out.push_str("\\v"),
        '\x0c' => out.push_str("\\f"),
        c if c == around => out.extend(['\\', c]),
        c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if c.is_control() || c == '\u{feff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push(c),
    }
}

const SHAPE: &[u8] = b"0000-00-00T00:00:00";

/// A time in a form: ISO 8601 from a full RFC 3339 time down to a year; without an offset it is UTC.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let fits = |(byte, shape): &(u8, &u8)| byte == *shape || byte.is_ascii_digit() && **shape == b'0';
    let (said, rest) = text.split_at_checked(text.bytes().zip(SHAPE).take_while(fits).count())?;
    let missing = match said.len() {
        4 => "-01-01T00:00:00",
        7 => "-01T00:00:00",
        10 => "T00:00:00",
        13 => ":00:00",
        16 => ":00",
        19 => "",
        _ => return None,
    };
    let with_rest = match (said.len(), rest) {
        (_, "") | (13.., "Z") => format!("{said}{missing}Z"),
        (19, _) if rest.starts_with(['.', ',', '+', '-']) => format!("{said}{}", rest.replace(',', ".")),
        _ => return None,
    };
    let local = || NaiveDateTime::parse_from_str(with_rest.trim_end_matches('Z'), "%Y-%m-%dT%H:%M:%S%.f").ok();
    let offset = || DateTime::parse_from_str(&with_rest, "%Y-%m-%dT%H:%M:%S%.f%#z").ok();
    local().map(|time| time.and_utc()).or_else(|| offset().map(|time| time.with_timezone(&Utc)))
}

/// For a field that is a time: `#[serde(deserialize_with = "go::time")]`. Empty, `null` and Go's zero time are none.
pub fn time<'de, D: Deserializer<'de>>(field: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(field)?;
    if text.is_empty() {
        return Ok(None);
    }
    let time = parse_time(&text).ok_or_else(|| D::Error::custom(format!("cannot decode string `{text}` as time.Time")))?;
    Ok(Some(time).filter(|time| time.to_rfc3339() != "0001-01-01T00:00:00+00:00"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_look_as_go_prints_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-3.0, "-3"),
            (0.5, "0.5"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456.75, "123456.75"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5e-10, "-2.5e-10"),
        ];
        for (number, text) in cases {
            assert_eq!(format_float(number), text);
        }
    }

    #[test]
    fn booleans_have_gos_spellings_only() {
        assert_eq!(["1", "T", "True"].map(parse_bool), [Some(true); 3]);
        assert_eq!(["0", "f", "FALSE"].map(parse_bool), [Some(false); 3]);
        assert_eq!(["", "yes", "tRUE", " true", "2"].map(parse_bool), [None; 5]);
    }

    #[test]
    fn texts_are_quoted_with_gos_escapes() {
        assert_eq!(quote("a\"b\\\n\t\0\u{1b}é'\u{9f}"), "\"a\\\"b\\\\\\n\\t\\x00\\x1bé'\\u009f\"");
        assert_eq!((quote_byte(b'\'').as_str(), quote_byte(b'"').as_str()), ("'\\''", "'\"'"));
    }

    #[test]
    fn times_are_read_from_full_to_year_only() {
        let at = |text: &str| parse_time(text).unwrap_or_else(|| panic!("{text}")).to_rfc3339();
        for text in [
            "2020-03-04T05:06:07+01:00",
            "2020-03-04T05:06:07+01",
            "2020-03-04T04:06:07Z",
            "2020-03-04T04:06:07",
            "2020-03-04T04:06:07.000Z",
        ] {
            assert_eq!(at(text), "2020-03-04T04:06:07+00:00", "{text}");
        }
        assert_eq!(at("2020-03-04T05:06:07.123456789-02:30"), "2020-03-04T07:36:07.123456789+00:00");
        assert_eq!(at("2020-03-04T05:06Z"), "2020-03-04T05:06:00+00:00");
        assert_eq!(at("2020-03-04T05Z"), "2020-03-04T05:00:00+00:00");
        assert_eq!(at("2020-03-04"), "2020-03-04T00:00:00+00:00");
        assert_eq!((at("2020-03"), at("2020")), ("2020-03-01T00:00:00+00:00".into(), "2020-01-01T00:00:00+00:00".into()));
        assert_eq!(["", "20", "2020-13", "yesterday", "2020-03-04 05:06:07", "2020-03-04T25"].map(parse_time), [None; 6]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[0-9TZ:.+\\-]{0,30}|\\PC{0,20}", number in any::<f64>()) {
            let _ = parse_time(&text);
            let _ = quote(&text);
            let again: f64 = format_float(number).parse().unwrap();
            prop_assert!(again == number || number.is_nan());
        }
    }
}
