//! MongoDB's one order over all values, as bytes: two values compare as their keys do.

use std::cmp::Ordering;

use bson::{Bson, Document, spec::BinarySubtype};

use super::path::leaves;
use crate::store::Find;

/// Closes lists and documents; lower than every rank.
const END: u8 = 0;

/// The bracket of a value: only values of one bracket are greater or less than each other in a filter.
pub fn rank(value: &Bson) -> u8 {
    match value {
        Bson::MinKey => 1,
        Bson::Undefined => 2,
        Bson::Null => 3,
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => 4,
        Bson::String(_) | Bson::Symbol(_) => 5,
        Bson::Document(_) => 6,
        Bson::Array(_) => 7,
        Bson::Binary(_) => 8,
        Bson::ObjectId(_) => 9,
        Bson::Boolean(_) => 10,
        Bson::DateTime(_) => 11,
        Bson::Timestamp(_) => 12,
        Bson::RegularExpression(_) => 13,
        Bson::DbPointer(_) => 14,
        Bson::JavaScriptCode(_) => 15,
        Bson::JavaScriptCodeWithScope(_) => 16,
        Bson::MaxKey => 17,
    }
}

/// The order of two values.
pub fn compare(a: &Bson, b: &Bson) -> Ordering {
    match (a, b) {
        (Bson::String(a), Bson::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Bson::DateTime(a), Bson::DateTime(b)) => a.cmp(b),
        (Bson::ObjectId(a), Bson::ObjectId(b)) => a.bytes().cmp(&b.bytes()),
        _ => rank(a).cmp(&rank(b)).then_with(|| key(a).cmp(&key(b))),
    }
}

/// True for equal values: numbers by value whatever their type, documents with their keys in the same order.
pub fn same(a: &Bson, b: &Bson) -> bool {
    compare(a, b) == Ordering::Equal
}

/// The value as bytes in the order of values; no key is the beginning of another one.
pub fn key(value: &Bson) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    write(value, &mut out);
    out
}

fn write(value: &Bson, out: &mut Vec<u8>) {
    out.push(rank(value));
    match value {
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => number(value, out),
        Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text) => bytes(text.as_bytes(), out),
        Bson::Document(doc) => document(doc, out),
        Bson::Array(items) => {
            items.iter().for_each(|item| write(item, out));
            out.push(END);
        }
        Bson::ObjectId(id) => out.extend(id.bytes()),
        Bson::Boolean(yes) => out.push(u8::from(*yes)),
        Bson::DateTime(at) => out.extend(signed(at.timestamp_millis())),
        other => rare(other, out),
    }
}

fn rare(value: &Bson, out: &mut Vec<u8>) {
    match value {
        Bson::Binary(binary) => {
            out.extend((binary.bytes.len() as u64).to_be_bytes());
            out.push(subtype(binary.subtype));
            out.extend(&binary.bytes);
        }
        Bson::Timestamp(at) => {
            out.extend(at.time.to_be_bytes());
            out.extend(at.increment.to_be_bytes());
        }
        Bson::RegularExpression(regex) => {
            bytes(regex.pattern.as_str().as_bytes(), out);
            bytes(regex.options.as_str().as_bytes(), out);
        }
        Bson::JavaScriptCodeWithScope(code) => {
            bytes(code.code.as_bytes(), out);
            document(&code.scope, out);
        }
        Bson::DbPointer(pointer) => bytes(format!("{pointer:?}").as_bytes(), out),
        _ => {}
    }
}

fn subtype(of: BinarySubtype) -> u8 {
    of.into()
}

fn document(doc: &Document, out: &mut Vec<u8>) {
    for (name, value) in doc {
        out.push(rank(value));
        bytes(name.as_bytes(), out);
        write(value, out);
    }
    out.push(END);
}

/// Zero bytes inside are escaped, so that the closing pair orders a text before all its continuations.
fn bytes(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
}

fn signed(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

/// The nearest double, then how far the integer is from it: exact for every int64 beside every double.
fn number(value: &Bson, out: &mut Vec<u8>) {
    let (nearest, rest) = match value {
        Bson::Int32(n) => (f64::from(*n), 0),
        Bson::Int64(n) => (*n as f64, i128::from(*n) - (*n as f64) as i128),
        Bson::Double(n) => (*n, 0),
        other => (other.to_string().parse().unwrap_or(f64::NAN), 0),
    };
    out.extend(ordered(nearest).to_be_bytes());
    // At most half the distance of two doubles near 2^63, which is 512.
    out.extend(((rest + 0x8000) as u16).to_be_bytes());
}

fn ordered(number: f64) -> u64 {
    if number.is_nan() {
        return 0;
    }
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Puts documents in the order of a [`Find`].
#[derive(Clone, Debug)]
pub struct Sorting<'a> {
    path: &'a str,
    descending: bool,
}

impl<'a> Sorting<'a> {
    /// The order that `find` wants, if any.
    pub fn of(find: &Find) -> Option<Sorting<'static>> {
        find.sort.map(|(path, descending)| Sorting { path, descending })
    }

    /// What a document is sorted by: of an array its least element, or its greatest when descending.
    pub fn key(&self, doc: &Document) -> Vec<u8> {
        let mut keys = Vec::new();
        leaves(doc, self.path, &mut |leaf| match leaf {
            Some(Bson::Array(items)) if items.is_empty() => keys.push(key(&Bson::Undefined)),
            Some(Bson::Array(items)) => keys.extend(items.iter().map(key)),
            Some(value) => keys.push(key(value)),
            None => keys.push(key(&Bson::Null)),
        });
        let extreme = if self.descending { keys.into_iter().max() } else { keys.into_iter().min() };
        extreme.unwrap_or_else(|| key(&Bson::Null))
    }

    /// Sorts what has such a key; equals stay in their order, or in the reverse of it when descending.
    pub fn sort<T>(&self, keyed: &mut [(Vec<u8>, T)]) {
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        if self.descending {
            keyed.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::{bson, doc};

    use super::*;

    #[test]
    fn values_are_ordered_as_on_mongodb() {
        let ascending = [
            Bson::MinKey,
            Bson::Null,
            bson!(f64::NAN),
            bson!(f64::NEG_INFINITY),
            bson!(i64::MIN),
            bson!(-1.5),
            bson!(-1),
            bson!(0),
            bson!(0.5),
            bson!((1_i64 << 53) as f64),
            bson!((1_i64 << 53) + 1),
            bson!(i64::MAX - 1),
            bson!(i64::MAX),
            bson!(9_223_372_036_854_775_808.0),
            bson!(f64::INFINITY),
            bson!(""),
            bson!("\0"),
            bson!("a"),
            bson!("a\0"),
            bson!("ab"),
            bson!({}),
            bson!({"a": 1}),
            bson!({"a": 1, "b": 1}),
            bson!({"b": 1}),
            bson!({"a": "x"}),
            bson!([]),
            bson!([1]),
            bson!([1, 2]),
            bson!([2]),
            bson!(false),
            bson!(true),
            Bson::DateTime(bson::DateTime::from_millis(-62_135_596_800_000)),
            Bson::DateTime(bson::DateTime::from_millis(0)),
            Bson::MaxKey,
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} against {b}");
            }
        }
    }

    #[test]
    fn numbers_are_equal_across_types() {
        assert!(same(&bson!(1), &bson!(1_i64)));
        assert!(same(&bson!(1), &bson!(1.0)));
        assert!(same(&bson!(0.0), &bson!(-0.0)));
        assert!(!same(&bson!(1), &bson!("1")));
        assert!(!same(&bson!((1_i64 << 60) + 1), &bson!((1_i64 << 60) as f64)));
    }

    #[test]
    fn documents_with_other_key_order_differ() {
        assert!(same(&bson!({"a": 1, "b": 2}), &bson!({"a": 1_i64, "b": 2.0})));
        assert!(!same(&bson!({"a": 1, "b": 2}), &bson!({"b": 2, "a": 1})));
    }

    #[test]
    fn arrays_sort_by_least_element_and_descending_by_greatest() {
        let docs = [doc! {"a": [1, 9]}, doc! {"a": 5}, doc! {}, doc! {"a": []}];
        let sorted = |descending| {
            let sorting = Sorting { path: "a", descending };
            let mut keyed: Vec<_> = docs.iter().map(|doc| (sorting.key(doc), doc.clone())).collect();
            sorting.sort(&mut keyed);
            keyed.into_iter().map(|(_, doc)| doc).collect::<Vec<_>>()
        };
        assert_eq!(sorted(false), [doc! {"a": []}, doc! {}, doc! {"a": [1, 9]}, doc! {"a": 5}]);
        assert_eq!(sorted(true), [doc! {"a": [1, 9]}, doc! {"a": 5}, doc! {}, doc! {"a": []}]);
    }
}
