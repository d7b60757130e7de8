//! How an update changes a document.

use std::cmp::Ordering;

use bson::{Bson, Document, oid::ObjectId};

use super::{path::index, same};
use crate::store::{Filter, Result, StoreError, Update};

/// How far past its end an array may be written, as on MongoDB.
const PADDING: usize = 1_500_000;

enum Op<'a> {
    Set(&'a Bson),
    SetOnInsert(&'a Bson),
    Unset,
    Inc(i64),
    Push(Vec<&'a Bson>),
    AddToSet(Vec<&'a Bson>),
    Pull(Vec<&'a Bson>),
}

/// The document after the update.
pub fn apply(update: &Update, doc: &Document) -> Result<Document> {
    change(update, doc, false)
}

/// The document that an upsert makes: the filter's equalities, then the update. `_id` comes first and is made when nothing gives it.
pub fn made(filter: &Filter, update: &Update) -> Result<Document> {
    let mut start = Document::new();
    equalities(filter, &mut start)?;
    let doc = change(update, &start, true)?;
    Ok(with_id(doc))
}

/// The document with `_id` as its first key, a new one when it has none.
pub fn with_id(mut doc: Document) -> Document {
    let id = doc.remove("_id").filter(|id| *id != Bson::Null).unwrap_or_else(|| ObjectId::new().into());
    let mut out = Document::new();
    out.insert("_id", id);
    out.extend(doc);
    out
}

/// Faults of the update itself, whatever the document: bad paths, or two changes of one place.
pub fn check(update: &Update) -> Result<()> {
    operations(update).map(drop)
}

fn change(update: &Update, doc: &Document, making: bool) -> Result<Document> {
    let mut after = doc.clone();
    for (path, op) in operations(update)? {
        if making || !matches!(op, Op::SetOnInsert(_)) {
            in_document(&mut after, &path, &mut |old| op.on(old, &path))?;
        }
    }
    match (doc.get("_id"), after.get("_id")) {
        (None, _) => Ok(after),
        (Some(old), Some(new)) if same(old, new) => Ok(after),
        _ => fault("the field _id cannot be changed"),
    }
}

/// All changes in MongoDB's order, by path, so that new keys are added in the same order.
fn operations(update: &Update) -> Result<Vec<(Vec<&str>, Op<'_>)>> {
    let mut all: Vec<(&str, Op)> = Vec::new();
    all.extend(update.set.iter().map(|(path, value)| (path.as_str(), Op::Set(value))));
    all.extend(update.set_on_insert.iter().map(|(path, value)| (path.as_str(), Op::SetOnInsert(value))));
    all.extend(update.unset.iter().map(|path| (path.as_str(), Op::Unset)));
    all.extend(update.inc.iter().map(|(path, by)| (path.as_str(), Op::Inc(*by))));
    all.extend(grouped(&update.push).into_iter().map(|(path, values)| (path, Op::Push(values))));
    all.extend(grouped(&update.add_to_set).into_iter().map(|(path, values)| (path, Op::AddToSet(values))));
    all.extend(grouped(&update.pull).into_iter().map(|(path, values)| (path, Op::Pull(values))));
    let mut all = all.into_iter().map(|(path, op)| Ok((names(path)?, op))).collect::<Result<Vec<_>>>()?;
    all.sort_by(|(a, _), (b, _)| by_names(a, b));
    for pair in all.windows(2) {
        if let [(a, _), (b, _)] = pair
            && b.starts_with(a)
        {
            return fault(format!("two changes of one place: {} and {}", a.join("."), b.join(".")));
        }
    }
    Ok(all)
}

/// Values for the same array, together.
pub fn grouped(list: &[(String, Bson)]) -> Vec<(&str, Vec<&Bson>)> {
    let mut out: Vec<(&str, Vec<&Bson>)> = Vec::new();
    for (path, value) in list {
        match out.iter_mut().find(|(known, _)| known == path) {
            Some((_, values)) => values.push(value),
            None => out.push((path, vec![value])),
        }
    }
    out
}

fn names(path: &str) -> Result<Vec<&str>> {
    let names: Vec<_> = path.split('.').collect();
    if names.iter().any(|name| name.is_empty() || name.starts_with('$')) {
        return fault(format!("bad path in an update: {path:?}"));
    }
    Ok(names)
}

fn by_names(a: &[&str], b: &[&str]) -> Ordering {
    let differing = a.iter().zip(b).find(|(a, b)| a != b);
    differing.map_or(a.len().cmp(&b.len()), |(a, b)| match (index(a), index(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp(b),
    })
}

fn fault<T>(text: impl Into<String>) -> Result<T> {
    Err(StoreError::Fault(text.into()))
}

/// From what is there to what will be there; `None` is absence.
type Change<'a> = &'a mut dyn FnMut(Option<Bson>) -> Result<Option<Bson>>;

fn in_document(doc: &mut Document, path: &[&str], change: Change) -> Result<()> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    match (doc.get_mut(name), rest) {
        (Some(slot), []) => match change(Some(std::mem::replace(slot, Bson::Null)))? {
            Some(new) => *slot = new,
            None => drop(doc.remove(name)),
        },
        (Some(Bson::Document(inner)), _) => in_document(inner, rest, change)?,
        (Some(Bson::Array(items)), _) => in_array(items, rest, change)?,
        (Some(_), _) => nowhere(path, change)?,
        (None, _) => {
            if let Some(new) = change(None)? {
                doc.insert(*name, nested(rest, new));
            }
        }
    }
    Ok(())
}

fn in_array(items: &mut Vec<Bson>, path: &[&str], change: Change) -> Result<()> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    let Some(at) = index(name) else { return nowhere(path, change) };
    match (items.get_mut(at), rest) {
        // An element that goes leaves a null, so that the others keep their places.
        (Some(slot), []) => *slot = change(Some(std::mem::replace(slot, Bson::Null)))?.unwrap_or(Bson::Null),
        (Some(Bson::Document(inner)), _) => in_document(inner, rest, change)?,
        (Some(Bson::Array(inner)), _) => in_array(inner, rest, change)?,
        (Some(_), _) => nowhere(path, change)?,
        (None, _) => {
            if let Some(new) = change(None)? {
                if at > items.len() + PADDING {
                    return fault(format!("cannot write element {at} of an array of {}", items.len()));
                }
                items.resize(at, Bson::Null);
                items.push(nested(rest, new));
            }
        }
    }
    Ok(())
}

/// The path ends at something that has no names: only a change that leaves nothing is possible.
fn nowhere(path: &[&str], change: Change) -> Result<()> {
    match change(None)? {
        None => Ok(()),
        Some(_) => fault(format!("cannot make {} inside a value that is no document", path.join("."))),
    }
}

fn nested(path: &[&str], value: Bson) -> Bson {
    path.iter().rev().fold(value, |inner, name| {
        let mut doc = Document::new();
        doc.insert(*name, inner);
        doc.into()
    })
}

impl Op<'_> {
    fn on(&self, old: Option<Bson>, path: &[&str]) -> Result<Option<Bson>> {
        match self {
            Self::Set(value) | Self::SetOnInsert(value) => Ok(Some((*value).clone())),
            Self::Unset => Ok(None),
            Self::Inc(by) => add(old, *by, path).map(Some),
            Self::Push(values) => {
                let mut items = array(old, path)?.unwrap_or_default();
                items.extend(values.iter().map(|v| (*v).clone()));
                Ok(Some(items.into()))
            }
            Self::AddToSet(values) => {
                let mut items = array(old, path)?.unwrap_or_default();
                for value in values {
                    if !items.iter().any(|item| same(item, value)) {
                        items.push((*value).clone());
                    }
                }
                Ok(Some(items.into()))
            }
            Self::Pull(values) => {
                let Some(mut items) = array(old, path)? else { return Ok(None) };
                items.retain(|item| !values.iter().any(|value| same(item, value)));
                Ok(Some(items.into()))
            }
        }
    }
}

fn array(old: Option<Bson>, path: &[&str]) -> Result<Option<Vec<Bson>>> {
    match old {
        None => Ok(None),
        Some(Bson::Array(items)) => Ok(Some(items)),
        Some(_) => fault(format!("{} is no array", path.join("."))),
    }
}

/// An int32 stays one while the sum fits; a missing number is an int32 when the increment fits.
fn add(old: Option<Bson>, by: i64, path: &[&str]) -> Result<Bson> {
    let narrow = i32::try_from(by).ok();
    match (old, narrow) {
        (None, Some(by)) => Ok(by.into()),
        (None, None) => Ok(by.into()),
        (Some(Bson::Int32(n)), Some(by)) => Ok(n.checked_add(by).map_or_else(|| Bson::Int64(i64::from(n) + i64::from(by)), Bson::Int32)),
        (Some(Bson::Int32(n)), None) => sum(i64::from(n), by, path),
        (Some(Bson::Int64(n)), _) => sum(n, by, path),
        (Some(Bson::Double(n)), _) => Ok(Bson::Double(n + by as f64)),
        _ => fault(format!("{} is no number", path.join("."))),
    }
}

fn sum(n: i64, by: i64, path: &[&str]) -> Result<Bson> {
    n.checked_add(by).map_or_else(|| fault(format!("{} overflows", path.join("."))), |n| Ok(n.into()))
}

fn equalities(filter: &Filter, doc: &mut Document) -> Result<()> {
    match filter {
        Filter::Eq(path, value) => in_document(doc, &names(path)?, &mut |_| Ok(Some(value.clone()))),
        Filter::And(all) => all.iter().try_for_each(|f| equalities(f, doc)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bson::{bson, doc};

    use super::*;

    fn after(update: Update, doc: Document) -> Document {
        apply(&update, &doc).unwrap()
    }

    fn refused(update: Update, doc: Document) -> bool {
        matches!(apply(&update, &doc), Err(StoreError::Fault(_)))
    }

    #[test]
    fn set_makes_parents_and_replaces_in_place() {
        assert_eq!(after(Update::set("a.b.c", 1), doc! {}), doc! {"a": {"b": {"c": 1}}});
        assert_eq!(after(Update::set("a", 2), doc! {"a": 1, "z": 1}), doc! {"a": 2, "z": 1});
        assert_eq!(after(Update::set("l.1.x", 2), doc! {"l": [{"x": 1}, {"x": 1}]}), doc! {"l": [{"x": 1}, {"x": 2}]});
        assert_eq!(after(Update::set("l.3", 1), doc! {"l": [0]}), doc! {"l": [0, null, null, 1]});
        assert!(refused(Update::set("a.b", 1), doc! {"a": 1}));
        assert!(refused(Update::set("a.b", 1), doc! {"a": null}));
        assert!(refused(Update::set("l.x", 1), doc! {"l": []}));
    }

    #[test]
    fn new_keys_are_added_in_order_of_their_names() {
        assert_eq!(
            after(Update::set("b", 1).and_set("a", 2).and_inc("aa", 3), doc! {}).to_string(),
            doc! {"a": 2, "aa": 3, "b": 1}.to_string()
        );
    }

    #[test]
    fn unset_removes_keys_and_nulls_elements() {
        assert_eq!(after(Update::unset("a.b"), doc! {"a": {"b": 1, "c": 1}}), doc! {"a": {"c": 1}});
        assert_eq!(after(Update::unset("l.0"), doc! {"l": [1, 2]}), doc! {"l": [null, 2]});
        assert_eq!(after(Update::unset("x.y"), doc! {"x": 1}), doc! {"x": 1});
        assert_eq!(after(Update::unset("x.y"), doc! {}), doc! {});
    }

    #[test]
    fn inc_keeps_the_narrow_type_while_it_fits() {
        assert_eq!(after(Update::inc("n", 1), doc! {"n": 1}), doc! {"n": 2});
        assert_eq!(after(Update::inc("n", 1), doc! {"n": i32::MAX}), doc! {"n": i64::from(i32::MAX) + 1});
        assert_eq!(after(Update::inc("n", 1), doc! {"n": 1_i64}), doc! {"n": 2_i64});
        assert_eq!(after(Update::inc("n", -1), doc! {"n": 1.5}), doc! {"n": 0.5});
        assert_eq!(after(Update::inc("q.n", 5), doc! {}), doc! {"q": {"n": 5}});
        assert!(refused(Update::inc("n", 1), doc! {"n": "1"}));
        assert!(refused(Update::inc("n", 1), doc! {"n": null}));
        assert!(refused(Update::inc("n", 1), doc! {"n": i64::MAX}));
    }

    #[test]
    fn arrays_grow_and_shrink_by_equal_values() {
        assert_eq!(after(Update::push("l", 1), doc! {}), doc! {"l": [1]});
        assert_eq!(after(Update::push("l", 1).and(Update::push("l", 1)), doc! {"l": [1]}), doc! {"l": [1, 1, 1]});
        assert_eq!(after(Update::add_to_set("l", 1_i64), doc! {"l": [1.0]}), doc! {"l": [1.0]});
        let (ab, ba) = (bson!({"a": 1, "b": 2}), bson!({"b": 2, "a": 1}));
        assert_eq!(after(Update::add_to_set("l", &ba), doc! {"l": [ab.clone()]}), doc! {"l": [ab.clone(), ba.clone()]});
        assert_eq!(after(Update::pull("l", &ba), doc! {"l": [ab.clone(), ba.clone(), ba]}), doc! {"l": [ab]});
        assert_eq!(after(Update::pull("l", 1), doc! {}), doc! {});
        assert!(refused(Update::push("l", 1), doc! {"l": 1}));
        assert!(refused(Update::push("l", 1), doc! {"l": null}));
        assert!(refused(Update::add_to_set("l", 1), doc! {"l": "x"}));
        assert!(refused(Update::pull("l", 1), doc! {"l": {}}));
    }

    #[test]
    fn two_changes_of_one_place_are_refused() {
        assert!(refused(Update::set("a", 1).and_set("a", 2), doc! {}));
        assert!(refused(Update::set("a.b", 1).and_unset("a"), doc! {}));
        assert!(refused(Update::set("a", 1).and_set_on_insert("a", 2), doc! {}));
        assert!(!refused(Update::set("a.b", 1).and_set("a.c", 2).and_set("ab", 3), doc! {}));
        assert!(refused(Update::set("a..b", 1), doc! {}));
        assert!(refused(Update::set("a.$.b", 1), doc! {}));
    }

    #[test]
    fn the_id_never_changes() {
        assert!(refused(Update::set("_id", 2), doc! {"_id": 1}));
        assert!(refused(Update::unset("_id"), doc! {"_id": 1}));
        assert_eq!(after(Update::set("_id", 1_i64).and_set("a", 1), doc! {"_id": 1}).get("a"), Some(&bson!(1)));
    }

    #[test]
    fn an_upsert_starts_from_the_equalities() {
        let filter = Filter::eq("name", "x").and(Filter::eq("q.limit", 3)).and(Filter::gt("n", 1));
        let update = Update::inc("q.inuse", 1).and_set_on_insert("at", 9).and_set("z", 0);
        let mut doc = made(&filter, &update).unwrap();
        assert_eq!(doc.keys().next().map(String::as_str), Some("_id"));
        assert!(doc.remove("_id").unwrap().as_object_id().is_some());
        assert_eq!(doc, doc! {"name": "x", "q": {"limit": 3, "inuse": 1}, "at": 9, "z": 0});
        assert_eq!(made(&Filter::id("me"), &Update::set("a", 1)).unwrap(), doc! {"_id": "me", "a": 1});
        assert_eq!(apply(&update, &doc! {}).unwrap(), doc! {"q": {"inuse": 1}, "z": 0});
    }
}
