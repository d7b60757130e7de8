//! `#[serde(default, deserialize_with = "lenient::int")]`: documents that tsuru's servers of all ages wrote have numbers of any type,
//! and null where a list, a map or a text is meant.

use bson::{Bson, Document, RawBson, RawBsonRef, RawDocument};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use std::{fmt, marker::PhantomData};

/// An integer from a number of any type; null is 0.
pub fn int<'de, D: Deserializer<'de>, N: TryFrom<i64> + Default>(from: D) -> Result<N, D::Error> {
    Ok(some_int(from)?.unwrap_or_default())
}

/// An integer from a number of any type, or null.
pub fn some_int<'de, D: Deserializer<'de>, N: TryFrom<i64>>(from: D) -> Result<Option<N>, D::Error> {
    from.deserialize_any(Number(PhantomData))
}

/// A fraction from a number of any type, or null.
pub fn some_double<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Any {
        Whole(i64),
        Double(f64),
    }
    Ok(Option::<Any>::deserialize(from)?.map(|any| match any {
        Any::Whole(n) => n as f64,
        Any::Double(n) => n,
    }))
}

/// Null is the default: an empty text, list or map.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Any value, exactly as it is stored; null is `None`.
pub fn any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Bson>, D::Error> {
    let raw = Option::<RawBson>::deserialize(from)?;
    raw.map(|raw| Bson::try_from(raw).map_err(D::Error::custom)).transpose().map(|any| any.filter(|any| *any != Bson::Null))
}

/// MongoDB's old "undefined", which tsuru writes for some empty maps, is null to us.
pub(super) fn without_undefined(mut doc: Document) -> Document {
    doc.iter_mut().for_each(|(_, value)| define(value));
    doc
}

fn define(value: &mut Bson) {
    match value {
        Bson::Undefined => *value = Bson::Null,
        Bson::Document(doc) => doc.iter_mut().for_each(|(_, value)| define(value)),
        Bson::Array(items) => items.iter_mut().for_each(define),
        _ => {}
    }
}

/// True for a document that has "undefined" somewhere, or that cannot be read to its end.
pub(super) fn has_undefined(doc: &RawDocument) -> bool {
    doc.iter().any(|element| element.map_or(true, |(_, value)| is_undefined(value)))
}

fn is_undefined(value: RawBsonRef<'_>) -> bool {
    match value {
        RawBsonRef::Undefined => true,
        RawBsonRef::Document(doc) => has_undefined(doc),
        RawBsonRef::Array(items) => items.into_iter().any(|item| item.map_or(true, is_undefined)),
        _ => false,
    }
}

struct Number<N>(PhantomData<N>);

impl<N: TryFrom<i64>> Number<N> {
    fn fit<E: Error>(n: i64) -> Result<Option<N>, E> {
        N::try_from(n).map(Some).ok().ok_or_else(|| E::custom(format!("{n} is out of range")))
    }
}

impl<'de, N: TryFrom<i64>> Visitor<'de> for Number<N> {
    type Value = Option<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or null")
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Self::Value, E> {
        Self::fit(n)
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Self::Value, E> {
        i64::try_from(n).map_err(E::custom).and_then(Self::fit)
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Self::Value, E> {
        if n.fract() == 0.0 && n.abs() < 9.2e18 { Self::fit(n as i64) } else { Err(E::custom(format!("{n} is no integer"))) }
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bson::doc;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Kept {
        #[serde(deserialize_with = "int")]
        n: i64,
        #[serde(deserialize_with = "int")]
        small: i32,
        #[serde(deserialize_with = "some_int")]
        maybe: Option<u32>,
        #[serde(deserialize_with = "some_double")]
        part: Option<f64>,
        #[serde(deserialize_with = "or_default")]
        list: Vec<String>,
        #[serde(deserialize_with = "or_default")]
        map: BTreeMap<String, String>,
        #[serde(deserialize_with = "or_default")]
        text: String,
    }

    fn read(doc: bson::Document) -> Result<Kept, bson::error::Error> {
        bson::deserialize_from_document(doc)
    }

    #[test]
    fn numbers_of_any_type_are_read() {
        let wanted = Kept { n: 3, small: 3, maybe: Some(3), part: Some(3.0), ..Kept::default() };
        assert_eq!(read(doc! {"n": 3, "small": 3, "maybe": 3, "part": 3}).unwrap(), wanted);
        assert_eq!(read(doc! {"n": 3_i64, "small": 3_i64, "maybe": 3_i64, "part": 3_i64}).unwrap(), wanted);
        assert_eq!(read(doc! {"n": 3.0, "small": 3.0, "maybe": 3.0, "part": 3.0}).unwrap(), wanted);
        assert!(read(doc! {"n": 3.5}).is_err());
        assert!(read(doc! {"small": i64::MAX}).is_err());
        assert!(read(doc! {"n": "3"}).is_err());
    }

    #[test]
    fn undefined_is_null() {
        let doc = doc! {"list": Bson::Undefined, "inner": [{"x": Bson::Undefined}]};
        assert_eq!(without_undefined(doc.clone()), doc! {"list": null, "inner": [{"x": null}]});
        assert_eq!(read(without_undefined(doc)).unwrap(), Kept::default());
    }

    #[test]
    fn null_and_absence_are_the_default() {
        let null = doc! {"n": null, "small": null, "maybe": null, "part": null, "list": null, "map": null, "text": null};
        assert_eq!(read(null).unwrap(), Kept::default());
        assert_eq!(read(doc! {}).unwrap(), Kept::default());
    }
}
