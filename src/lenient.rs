//! Decoding by Go's rules: a field's name matches in any case, an unknown one is skipped, `null` is the zero value.
//!
//! tsuru's clients, `tsuru.yaml` files and stored documents were all written against these rules.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
    value::{MapDeserializer, SeqDeserializer},
};

/// A deserializer with Go's rules around another one; what is nested in it follows them too.
///
/// When a field comes twice the first one counts: what was looked at cannot be replaced later in the same text.
pub struct Lenient<D>(pub D);

#[derive(Clone, Copy)]
enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    Str,
    String,
    Seq,
    Tuple(usize),
    Map,
    Struct(&'static str, &'static [&'static str]),
}

macro_rules! nullable {
    ($($method:ident => $kind:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.deserialize_option(Nullable(visitor, Kind::$kind))
        })*
    };
}

macro_rules! unchanged {
    ($($method:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Lenient<D> {
    type Error = D::Error;

    nullable! {
        deserialize_bool => Bool, deserialize_str => Str, deserialize_string => String, deserialize_seq => Seq, deserialize_map => Map,
        deserialize_i8 => I8, deserialize_i16 => I16, deserialize_i32 => I32, deserialize_i64 => I64,
        deserialize_u8 => U8, deserialize_u16 => U16, deserialize_u32 => U32, deserialize_u64 => U64,
        deserialize_f32 => F32, deserialize_f64 => F64,
    }

    unchanged!(
        deserialize_char,
        deserialize_bytes,
        deserialize_byte_buf,
        deserialize_unit,
        deserialize_identifier,
        deserialize_ignored_any
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Nested(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Nested(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Nullable(visitor, Kind::Tuple(len)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Nullable(visitor, Kind::Struct(name, fields)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Nested(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, name: &'static str, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple_struct(name, len, Nested(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }
}

/// Gives the zero value of the wanted kind for `null`.
struct Nullable<V>(V, Kind);

impl<V> Nullable<V> {
    fn zero<'de, E: Error>(self) -> Result<V::Value, E>
    where
        V: Visitor<'de>,
    {
        match self.1 {
            Kind::Bool => self.0.visit_bool(false),
            Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => self.0.visit_i64(0),
            Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => self.0.visit_u64(0),
            Kind::F32 | Kind::F64 => self.0.visit_f64(0.0),
            Kind::Str | Kind::String => self.0.visit_str(""),
            Kind::Seq | Kind::Tuple(_) => self.0.visit_seq(SeqDeserializer::<_, E>::new(std::iter::empty::<()>())),
            Kind::Map | Kind::Struct(..) => self.0.visit_map(MapDeserializer::<_, E>::new(std::iter::empty::<((), ())>())),
        }
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Nullable<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.zero()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.zero()
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        let Nullable(visitor, kind) = self;
        match kind {
            Kind::Bool => d.deserialize_bool(visitor),
            Kind::I8 => d.deserialize_i8(visitor),
            Kind::I16 => d.deserialize_i16(visitor),
            Kind::I32 => d.deserialize_i32(visitor),
            Kind::I64 => d.deserialize_i64(visitor),
            Kind::U8 => d.deserialize_u8(visitor),
            Kind::U16 => d.deserialize_u16(visitor),
            Kind::U32 => d.deserialize_u32(visitor),
            Kind::U64 => d.deserialize_u64(visitor),
            Kind::F32 => d.deserialize_f32(visitor),
            Kind::F64 => d.deserialize_f64(visitor),
            Kind::Str => d.deserialize_str(visitor),
            Kind::String => d.deserialize_string(visitor),
            Kind::Seq => d.deserialize_seq(Nested(visitor)),
            Kind::Tuple(len) => d.deserialize_tuple(len, Nested(visitor)),
            Kind::Map => d.deserialize_map(Nested(visitor)),
            Kind::Struct(name, fields) => d.deserialize_struct(name, fields, Fields(visitor, fields)),
        }
    }
}

/// Carries the rules into what a value contains.
struct Nested<V>(V);

macro_rules! pass {
    ($($method:ident($type:ty)),* $(,)?) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Nested<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.expecting(f)
    }

    pass! {
        visit_bool(bool), visit_i64(i64), visit_i128(i128), visit_u64(u64), visit_u128(u128), visit_f64(f64), visit_char(char),
        visit_str(&str), visit_borrowed_str(&'de str), visit_string(String),
        visit_bytes(&[u8]), visit_borrowed_bytes(&'de [u8]), visit_byte_buf(Vec<u8>),
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Lenient(d))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Lenient(d))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Items(inner))
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Items(inner))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(inner)
    }
}

/// A struct: only a map will do, its keys are matched to the fields.
struct Fields<V>(V, &'static [&'static str]);

impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Matched { inner, fields: self.1, seen: Vec::new() })
    }
}

struct Seed<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Lenient(d))
    }
}

struct Items<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Seed(seed))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Items<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Seed(seed))
    }
}

struct Matched<A> {
    inner: A,
    fields: &'static [&'static str],
    seen: Vec<&'static str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Matched<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        while let Some(key) = self.inner.next_key::<String>()? {
            match field(self.fields, &key).filter(|name| !self.seen.contains(name)) {
                Some(name) => {
                    self.seen.push(name);
                    return seed.deserialize(name.into_deserializer()).map(Some);
                }
                None => {
                    self.inner.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Seed(seed))
    }
}

/// The field that a key means: its very name first, then its name in another case.
fn field(fields: &'static [&'static str], key: &str) -> Option<&'static str> {
    let exact = fields.iter().find(|name| **name == key);
    exact.or_else(|| fields.iter().find(|name| name.eq_ignore_ascii_case(key))).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Outer {
        team_owner: String,
        count: i32,
        flag: Option<bool>,
        tags: Vec<String>,
        inner: Inner,
        map: BTreeMap<String, Inner>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        name: String,
    }

    fn decode(text: &str) -> Result<Outer, serde_json::Error> {
        Outer::deserialize(Lenient(serde_json::from_str::<serde_json::Value>(text)?))
    }

    fn inner(name: &str) -> Inner {
        Inner { name: name.into() }
    }

    #[test]
    fn names_match_in_any_case_at_every_depth() {
        let found =
            decode(r#"{"TEAMOWNER":"a","Tags":["x"],"Inner":{"NAME":"n"},"map":{"Key":{"Name":"m"}},"other":{"deep":[1]}}"#).unwrap();
        let map = BTreeMap::from([("Key".to_owned(), inner("m"))]);
        assert_eq!(found, Outer { team_owner: "a".into(), tags: vec!["x".into()], inner: inner("n"), map, ..Outer::default() });
    }

    #[test]
    fn null_is_the_zero_value() {
        let all = r#"{"teamOwner":null,"count":null,"flag":null,"tags":null,"inner":null,"map":null}"#;
        assert_eq!(decode(all).unwrap(), Outer::default());
        assert_eq!(decode("null").unwrap(), Outer::default());
        assert_eq!(decode(r#"{"tags":[null,"a"]}"#).unwrap().tags, ["", "a"]);
    }

    #[test]
    fn the_first_of_two_spellings_counts() {
        assert_eq!(decode(r#"{"COUNT":1,"count":2}"#).unwrap().count, 1);
    }

    #[test]
    fn other_types_are_still_refused() {
        for wrong in [r#"{"count":"1"}"#, r#"{"count":1.5}"#, r#"{"tags":"a"}"#, r#"{"inner":["a"]}"#, r#"{"teamOwner":1}"#, "[]"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }
}
