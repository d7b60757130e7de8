//! Keys and values of a query or an urlencoded body, in the order they came.

use super::go;
use crate::error::{Error, Result};

/// As many pairs as Go's own server takes.
const MAX_PAIRS: usize = 10_000;

/// An ordered list of pairs in which a key can come again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Vec<(String, String)>);

impl Values {
    /// Reads `a=1&b=2`. The error has Go's words and no prefix.
    pub fn parse(text: &str) -> Result<Self> {
        let mut values = Self::default();
        for pair in pairs(text)? {
            values.0.push(read_pair(pair)?);
        }
        Ok(values)
    }

    /// Reads what can be read and leaves the rest out, as queries of requests without a form are read.
    pub fn parse_lossy(text: &str) -> Self {
        let readable = |pair| read_pair(pair).ok();
        Self(pairs(text).map(|found| found.filter_map(readable).collect()).unwrap_or_default())
    }

    /// The first value of a key, by its exact name.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Every value of a key, in order.
    pub fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// One more pair.
    pub fn push(&mut self, key: String, value: String) {
        self.0.push((key, value));
    }

    /// The pairs of another one after the own.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// True without a pair.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Values {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

fn pairs(text: &str) -> Result<impl Iterator<Item = &str>> {
    if text.split('&').nth(MAX_PAIRS).is_some() {
        return Err(Error::invalid("number of URL query parameters exceeded limit"));
    }
    Ok(text.split('&').filter(|pair| !pair.is_empty()))
}

fn read_pair(pair: &str) -> Result<(String, String)> {
    if pair.contains(';') {
        return Err(Error::invalid("invalid semicolon separator in query"));
    }
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok((unescape(key)?, unescape(value)?))
}

fn unescape(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let (byte, after) = escape(after).ok_or_else(|| bad_escape(after))?;
                out.push(byte);
                rest = after;
            }
            plain => out.push(plain),
        }
    }
    String::from_utf8(out).map_err(|e| Error::invalid(format!("invalid UTF-8 in {}", go::quote(&String::from_utf8_lossy(e.as_bytes())))))
}

fn escape(after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_at_checked(2)?;
    let both = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((u8::from_str_radix(both, 16).ok()?, rest))
}

fn bad_escape(after: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(after).chars().take(2).collect::<String>();
    Error::invalid(format!("invalid URL escape {}", go::quote(&format!("%{shown}"))))
}

/// A path with its escapes undone. `+` stays, and so does a `%` that begins no escape.
pub fn percent_decode(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = Some(after).filter(|_| first == b'%').and_then(escape).unwrap_or((first, after));
        out.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(text: &str) -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
        text.bytes()
            .map(|b| {
                if plain(b) {
                    char::from(b).to_string()
                } else if b == b' ' {
                    "+".into()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect()
    }

    #[test]
    fn pairs_keep_their_order_and_repeat() {
        let values = Values::parse("permission=app&x=1&&permission=team+x%26%C3%A9&flag&=empty").unwrap();
        assert_eq!(values.all("permission").collect::<Vec<_>>(), ["app", "team x&é"]);
        assert_eq!((values.get("x"), values.get("flag"), values.get("")), (Some("1"), Some(""), Some("empty")));
        assert_eq!(values.get("X"), None);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_in_gos_words() {
        let text = |query: &str| Values::parse(query).unwrap_err().to_string();
        assert_eq!(text("a=%zz1"), "invalid URL escape \"%zz\"");
        assert_eq!(text("a=%"), "invalid URL escape \"%\"");
        assert_eq!(text("a=1;b=2"), "invalid semicolon separator in query");
        assert_eq!(text("a=%ff"), "invalid UTF-8 in \"\u{fffd}\"");
        assert_eq!(text(&"a&".repeat(10_000)), "number of URL query parameters exceeded limit");
        assert_eq!(Values::parse_lossy("a=%zz&b=2&c;d=3"), Values::from_iter([("b", "2")]));
    }

    #[test]
    fn paths_are_decoded_without_touching_plus() {
        assert_eq!(percent_decode("/a%2Fb+c%20d%zz%4/é%"), "/a/b+c d%zz%4/é%");
    }

    proptest! {
        #[test]
        fn reads_back_what_was_encoded(pairs in prop::collection::vec(("\\PC{1,8}", "(?s).{0,8}"), 0..6)) {
            let text = pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect::<Vec<_>>().join("&");
            prop_assert_eq!(Values::parse(&text).unwrap(), Values::from_iter(pairs));
        }

        #[test]
        fn never_panics(text in "[%&=;+a0é]{0,40}|(?s).{0,40}") {
            let _ = (Values::parse(&text), Values::parse_lossy(&text), percent_decode(&text));
        }
    }
}
