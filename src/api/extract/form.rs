//! Structs from forms: dotted keys, as the stock client's form encoder writes them.
//!
//! `plan.name=x` fills a struct, `opts.k=v` a map, `tags.0=a` a list (`tags._=a&tags._=b` too), `\.` is a dot in a key. Names of fields
//! match in any case, unknown ones are skipped, an empty value is the zero value.

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
};

use serde::de::{
    DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, Visitor,
    value::{MapDeserializer, SeqDeserializer},
};

use super::{Values, go};
use crate::{
    error::{Error, Result},
    lenient::Lenient,
};

const MAX_DEPTH: usize = 16;
const MAX_ITEMS: usize = 10_000;
/// The key of items that number themselves.
const IMPLICIT: &str = "_";

/// A struct from query and form fields. Fields of `T` must not be flattened: then neither their case nor their types would be known.
pub fn decode<T: DeserializeOwned>(values: &Values) -> Result<T> {
    let root = Node::tree(values).and_then(|tree| T::deserialize(Lenient(&tree)));
    root.map_err(|e| Error::invalid(format!("unable to decode form: {e}")))
}

/// A text, or named parts; the part without a name is the text that came for the whole.
#[derive(Debug)]
enum Node {
    Text(String),
    Parts(BTreeMap<String, Node>),
}

const EMPTY: &Node = &Node::Text(String::new());

/// What could not be decoded, with the key it came under.
#[derive(Debug)]
struct Fault {
    path: Vec<String>,
    text: String,
}

impl Fault {
    fn new(text: impl Into<String>) -> Self {
        Self { path: Vec::new(), text: text.into() }
    }

    fn under(mut self, key: &str) -> Self {
        self.path.push(key.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let path: Vec<_> = self.path.iter().rev().map(String::as_str).collect();
        if path.is_empty() { f.write_str(&self.text) } else { write!(f, "{}: {}", path.join("."), self.text) }
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

impl Node {
    fn tree(values: &Values) -> Result<Self, Fault> {
        let mut root = BTreeMap::new();
        let mut counters: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, value) in values.iter() {
            let mut path = split(key);
            if path.len() > MAX_DEPTH {
                return Err(Fault::new(format!("a key with more than {MAX_DEPTH} parts")));
            }
            if let Some(last) = path.last_mut().filter(|last| *last == IMPLICIT && key != IMPLICIT) {
                let counter = counters.entry(key).or_default();
                *last = counter.to_string();
                *counter += 1;
            }
            insert(&mut root, &path, value);
        }
        Ok(Self::Parts(root))
    }

    /// The text of the whole, when there is one.
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => match parts.get("") {
                Some(Self::Text(text)) => text,
                _ => "",
            },
        }
    }

    fn parts(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Text(_) => None,
            Self::Parts(parts) => Some(parts),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    fn items(&self) -> Result<Vec<&Self>, Fault> {
        let wrong = |key: &str| Fault::new(format!("{} is not a valid index for a list", go::quote(key)));
        let Some(parts) = self.parts() else {
            return if self.is_empty() { Ok(Vec::new()) } else { Err(wrong("")) };
        };
        let mut items = Vec::new();
        for (key, item) in parts.iter().filter(|(key, item)| !(key.is_empty() && item.is_empty())) {
            let index = key.parse::<usize>().ok().filter(|index| *index < MAX_ITEMS).ok_or_else(|| wrong(key))?;
            if items.len() <= index {
                items.resize(index + 1, EMPTY);
            }
            items.get_mut(index).into_iter().for_each(|place| *place = item);
        }
        Ok(items)
    }
}

/// The parts of a key; an escaped dot is part of a name.
fn split(key: &str) -> Vec<String> {
    let mut path = vec![String::new()];
    let mut escaped = false;
    for c in key.chars() {
        match (c, path.last_mut()) {
            ('\\', _) if !escaped => {
                escaped = true;
                continue;
            }
            ('.', _) if !escaped => path.push(String::new()),
            (c, Some(part)) => {
                if escaped && c != '.' && c != '\\' {
                    part.push('\\');
                }
                part.push(c);
            }
            (_, None) => {}
        }
        escaped = false;
    }
    if let Some(part) = path.last_mut().filter(|_| escaped) {
        part.push('\\');
    }
    if path.len() > 1 && path.last().is_some_and(String::is_empty) {
        path.pop();
    }
    path
}

/// Puts a text at its place; of a key that comes twice the last value counts.
fn insert(parts: &mut BTreeMap<String, Node>, path: &[String], value: &str) {
    let Some((first, rest)) = path.split_first() else { return };
    let place = parts.entry(first.clone()).or_insert_with(|| Node::Text(String::new()));
    match place {
        Node::Parts(inner) if rest.is_empty() => {
            inner.insert(String::new(), Node::Text(value.into()));
        }
        Node::Parts(inner) => insert(inner, rest, value),
        Node::Text(text) if rest.is_empty() => *text = value.into(),
        Node::Text(text) => {
            let mut inner = BTreeMap::new();
            if !text.is_empty() {
                inner.insert(String::new(), Node::Text(std::mem::take(text)));
            }
            insert(&mut inner, rest, value);
            *place = Node::Parts(inner);
        }
    }
}

macro_rules! integers {
    ($($method:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let text = self.text();
            match text.parse::<i64>() {
                _ if self.is_empty() => visitor.visit_i64(0),
                Ok(number) => visitor.visit_i64(number),
                // Only the largest unsigned numbers are no signed ones.
                Err(_) => match text.parse::<u64>() {
                    Ok(number) => visitor.visit_u64(number),
                    Err(_) => Err(Fault::new(format!("could not parse int from {}", go::quote(text)))),
                },
            }
        })*
    };
}

macro_rules! floats {
    ($($method:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let text = if self.is_empty() { "0" } else { self.text() };
            let number = text.parse::<f64>().ok();
            visitor.visit_f64(number.ok_or_else(|| Fault::new(format!("could not parse float from {}", go::quote(text))))?)
        })*
    };
}

macro_rules! texts {
    ($($method:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_str(self.text())
        })*
    };
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    integers!(deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_i128);
    integers!(deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128);
    floats!(deserialize_f32, deserialize_f64);
    texts!(deserialize_char, deserialize_str, deserialize_string, deserialize_bytes, deserialize_byte_buf, deserialize_identifier);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Text(text) => visitor.visit_str(text),
            Node::Parts(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = if self.is_empty() { "false" } else { self.text() };
        let flag = go::parse_bool(text).ok_or_else(|| Fault::new(format!("could not parse bool from {}", go::quote(text))))?;
        visitor.visit_bool(flag)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(SeqDeserializer::new(self.items()?.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Parts(parts) => visitor.visit_map(Pairs { rest: parts.iter(), value: None }),
            Node::Text(text) => {
                let own = (!text.is_empty()).then_some(("", self));
                visitor.visit_map(MapDeserializer::new(own.into_iter()))
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(self, name: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        match self.text() {
            "" => self.deserialize_map(visitor),
            text => Err(Fault::new(format!("{text} cannot be decoded as {name}"))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.text().into_deserializer())
    }
}

impl<'de> IntoDeserializer<'de, Fault> for &'de Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Pairs<'a> {
    rest: btree_map::Iter<'a, String, Node>,
    value: Option<(&'a str, &'a Node)>,
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = Fault;

    fn next_key_seed<S: serde::de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some((key, value));
        seed.deserialize(key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<S: serde::de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (key, value) = self.value.take().unwrap_or(("", EMPTY));
        seed.deserialize(value).map_err(|fault| fault.under(key))
    }
}

#[cfg(test)]
mod tests;
