//! Dotted paths through documents and arrays.

use bson::{Bson, Document};

/// Shows what stands at a path: every value that it leads to, `None` where a document lacks it. A path goes through all documents of
/// an array, and through one element when its next name is a number. Arrays at the end are shown whole.
pub fn leaves<'a>(doc: &'a Document, path: &str, see: &mut dyn FnMut(Option<&'a Bson>)) {
    let Some((head, rest)) = path.split_once('.') else { return see(doc.get(path)) };
    match doc.get(head) {
        Some(Bson::Document(inner)) => leaves(inner, rest, see),
        Some(Bson::Array(items)) => elements(items, rest, see),
        _ => see(None),
    }
}

fn elements<'a>(items: &'a [Bson], path: &str, see: &mut dyn FnMut(Option<&'a Bson>)) {
    for inner in items.iter().filter_map(Bson::as_document) {
        leaves(inner, path, see);
    }
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let Some(item) = index(head).and_then(|at| items.get(at)) else { return };
    match (item, rest) {
        (item, None) => see(Some(item)),
        (Bson::Document(inner), Some(rest)) => leaves(inner, rest, see),
        (Bson::Array(inner), Some(rest)) => elements(inner, rest, see),
        _ => {}
    }
}

/// A name that can be the place of an array element.
pub fn index(name: &str) -> Option<usize> {
    let plain = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    plain.then(|| name.parse().ok()).flatten()
}
