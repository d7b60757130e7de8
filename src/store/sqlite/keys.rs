//! The keys that a document has in an index.

use bson::{Bson, Document};

use super::plan::IndexDef;
use crate::store::evaluate::{key, leaves};

/// Before the key of a whole array; above every rank.
const WHOLE: u8 = 0x80;

/// A document's keys in one index.
#[derive(Debug, PartialEq, Eq)]
pub struct Keys {
    /// Sorted, each once.
    pub keys: Vec<Vec<u8>>,
    /// An array gave several, or none.
    pub many: bool,
}

/// What the document has in the index: each combination of its values at the paths. What is missing is null.
pub fn keys(index: &IndexDef, doc: &Document) -> Keys {
    let mut out = Keys { keys: vec![Vec::new()], many: false };
    let mut present = false;
    for path in &index.paths {
        let (mut values, mut at_path) = (Vec::new(), 0);
        leaves(doc, path, &mut |leaf| {
            at_path += 1;
            present |= leaf.is_some();
            out.many |= matches!(leaf, Some(Bson::Array(_)));
            add(leaf, &mut values);
        });
        if at_path == 0 {
            values.push(key(&Bson::Null));
        }
        out.many |= at_path != 1;
        out.keys = out.keys.iter().flat_map(|start| values.iter().map(|value| [start.as_slice(), value].concat())).collect();
    }
    out.keys.sort();
    out.keys.dedup();
    if index.sparse && !present {
        out.keys.clear();
    }
    out
}

/// An array is found by its elements and as a whole.
fn add(leaf: Option<&Bson>, values: &mut Vec<Vec<u8>>) {
    match leaf {
        None => values.push(key(&Bson::Null)),
        Some(array @ Bson::Array(items)) => {
            values.push(whole(array));
            values.extend(items.iter().map(key));
        }
        Some(value) => values.push(key(value)),
    }
}

/// The key of an array as a whole: another one than that of the same array as an element.
pub fn whole(array: &Bson) -> Vec<u8> {
    [&[WHOLE], key(array).as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use bson::{bson, doc};

    use super::*;

    fn of(paths: &[&str], sparse: bool, doc: Document) -> (usize, bool) {
        let paths = paths.iter().map(|p| (*p).to_owned()).collect();
        let Keys { keys, many } = keys(&IndexDef { name: String::new(), paths, unique: true, sparse, many: false }, &doc);
        (keys.len(), many)
    }

    #[test]
    fn a_missing_value_is_null_and_not_in_a_sparse_index() {
        assert_eq!(of(&["a"], false, doc! {}), (1, false));
        assert_eq!(of(&["a"], true, doc! {}), (0, false));
        assert_eq!(of(&["a"], true, doc! {"a": null}), (1, false));
        assert_eq!(of(&["a", "b"], true, doc! {"b": 1}), (1, false));
    }

    #[test]
    fn arrays_give_a_key_for_each_element_and_the_whole() {
        assert_eq!(of(&["a"], false, doc! {"a": [1, 2, 1]}), (3, true));
        assert_eq!(of(&["a.b", "c"], false, doc! {"a": [{"b": 1}, {"b": 2}], "c": 3}), (2, true));
        assert_eq!(of(&["a.b"], false, doc! {"a": bson!([])}), (1, true));
    }
}
