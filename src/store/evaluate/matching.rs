//! Which documents a filter means.

use std::{cmp::Ordering, collections::HashMap};

use bson::{Bson, Document};
use regex::Regex;

use super::{compare, leaves, rank, same};
use crate::store::{Filter, Result, StoreError};

/// A filter made ready: its regular expressions are compiled once.
#[derive(Debug)]
pub struct Matcher<'a> {
    filter: &'a Filter,
    regexes: HashMap<&'a str, Regex>,
}

impl<'a> Matcher<'a> {
    /// Makes a filter ready; a broken regular expression is a fault.
    pub fn new(filter: &'a Filter) -> Result<Self> {
        let mut regexes = HashMap::new();
        compile(filter, &mut regexes)?;
        Ok(Self { filter, regexes })
    }

    /// True when the filter holds for any document.
    pub fn holds_always(&self) -> bool {
        *self.filter == Filter::All
    }

    /// True when the filter holds for this document.
    pub fn holds(&self, doc: &Document) -> bool {
        self.test(self.filter, doc)
    }

    fn test(&self, filter: &Filter, doc: &Document) -> bool {
        match filter {
            Filter::All => true,
            Filter::Eq(path, value) => equal(doc, path, value),
            Filter::Ne(path, value) => !equal(doc, path, value),
            Filter::Gt(path, value) => ordered(doc, path, value, Ordering::is_gt),
            Filter::Gte(path, value) => ordered(doc, path, value, Ordering::is_ge),
            Filter::Lt(path, value) => ordered(doc, path, value, Ordering::is_lt),
            Filter::Lte(path, value) => ordered(doc, path, value, Ordering::is_le),
            Filter::In(path, values) => values.iter().any(|value| equal(doc, path, value)),
            Filter::HasAll(path, values) => !values.is_empty() && values.iter().all(|value| equal(doc, path, value)),
            Filter::Below(less, more) => compare(&at(doc, less), &at(doc, more)).is_lt(),
            Filter::Exists(path, wanted) => exists(doc, path) == *wanted,
            Filter::Regex(path, pattern) => self.finds(doc, path, pattern),
            Filter::Elem(path, inner) => self.element(doc, path, inner),
            Filter::And(all) => all.iter().all(|f| self.test(f, doc)),
            Filter::Or(any) => any.iter().any(|f| self.test(f, doc)),
            Filter::Not(inner) => !self.test(inner, doc),
        }
    }

    fn finds(&self, doc: &Document, path: &str, pattern: &str) -> bool {
        let Some(regex) = self.regexes.get(pattern) else { return false };
        some(doc, path, false, &|value| value.as_str().is_some_and(|text| regex.is_match(text)))
    }

    fn element(&self, doc: &Document, path: &str, inner: &Filter) -> bool {
        let mut found = false;
        leaves(doc, path, &mut |leaf| {
            let items = leaf.and_then(Bson::as_array).map_or(&[][..], Vec::as_slice);
            found |= items.iter().filter_map(Bson::as_document).any(|item| self.test(inner, item));
        });
        found
    }
}

fn compile<'a>(filter: &'a Filter, into: &mut HashMap<&'a str, Regex>) -> Result<()> {
    match filter {
        Filter::Regex(_, pattern) => {
            let regex = Regex::new(pattern).map_err(|e| StoreError::Fault(format!("regular expression: {e}")))?;
            into.insert(pattern, regex);
            Ok(())
        }
        Filter::And(all) | Filter::Or(all) => all.iter().try_for_each(|f| compile(f, into)),
        Filter::Not(inner) | Filter::Elem(_, inner) => compile(inner, into),
        _ => Ok(()),
    }
}

/// True when the test holds for a value at the path, an element of an array there, or the array itself; `missing` where there is none.
fn some(doc: &Document, path: &str, missing: bool, test: &dyn Fn(&Bson) -> bool) -> bool {
    let mut found = false;
    leaves(doc, path, &mut |leaf| {
        found |= match leaf {
            Some(Bson::Array(items)) => items.iter().any(test) || leaf.is_some_and(test),
            Some(value) => test(value),
            None => missing,
        };
    });
    found
}

/// The value at a path without arrays; null where there is none.
fn at(doc: &Document, path: &str) -> Bson {
    let mut found = Bson::Null;
    leaves(doc, path, &mut |leaf| found = leaf.cloned().unwrap_or(Bson::Null));
    found
}

fn equal(doc: &Document, path: &str, value: &Bson) -> bool {
    some(doc, path, *value == Bson::Null, &|found| same(found, value))
}

fn ordered(doc: &Document, path: &str, value: &Bson, wanted: fn(Ordering) -> bool) -> bool {
    let missing = *value == Bson::Null && wanted(Ordering::Equal);
    some(doc, path, missing, &|found| {
        let order = compare(found, value);
        rank(found) == rank(value) && wanted(order) && (order.is_eq() || !(nan(found) || nan(value)))
    })
}

fn nan(value: &Bson) -> bool {
    value.as_f64().is_some_and(f64::is_nan)
}

fn exists(doc: &Document, path: &str) -> bool {
    let mut found = false;
    leaves(doc, path, &mut |leaf| found |= leaf.is_some());
    found
}

#[cfg(test)]
mod tests {
    use bson::{bson, doc};

    use super::*;

    fn holds(filter: Filter, doc: Document) -> bool {
        Matcher::new(&filter).unwrap().holds(&doc)
    }

    #[test]
    fn null_equals_null_and_missing() {
        let null = Filter::Eq("a.b".into(), Bson::Null);
        for doc in [doc! {}, doc! {"a": {}}, doc! {"a": {"b": null}}, doc! {"a": 1}, doc! {"a": [{"b": 1}, {}]}] {
            assert!(holds(null.clone(), doc.clone()), "{doc}");
            assert!(!holds(Filter::Ne("a.b".into(), Bson::Null), doc));
        }
        for doc in [doc! {"a": {"b": 0}}, doc! {"a": []}, doc! {"a": [1]}, doc! {"a": [{"b": 1}]}] {
            assert!(!holds(null.clone(), doc.clone()), "{doc}");
        }
    }

    #[test]
    fn arrays_match_by_element_and_as_a_whole() {
        let doc = doc! {"tags": ["x", "y"], "routers": [{"name": "r", "opts": {}}]};
        assert!(holds(Filter::eq("tags", "x"), doc.clone()));
        assert!(holds(Filter::eq("tags", ["x", "y"]), doc.clone()));
        assert!(!holds(Filter::eq("tags", ["y", "x"]), doc.clone()));
        assert!(holds(Filter::eq("tags.1", "y"), doc.clone()));
        assert!(!holds(Filter::eq("tags.0", "y"), doc.clone()));
        assert!(holds(Filter::eq("routers.name", "r"), doc.clone()));
        assert!(holds(Filter::eq("routers.0.name", "r"), doc.clone()));
        assert!(!holds(Filter::ne("tags", "x"), doc.clone()));
        assert!(holds(Filter::has_all("tags", ["y", "x"]), doc.clone()));
        assert!(!holds(Filter::has_all("tags", ["y", "z"]), doc.clone()));
        assert!(!holds(Filter::has_all("tags", Vec::<String>::new()), doc));
    }

    #[test]
    fn comparisons_stay_in_their_type() {
        assert!(holds(Filter::gt("a", 1), doc! {"a": 1.5}));
        assert!(holds(Filter::gte("a", 1_i64), doc! {"a": 1.0}));
        assert!(!holds(Filter::gt("a", 1), doc! {"a": "2"}));
        assert!(!holds(Filter::lt("a", 1), doc! {}));
        assert!(!holds(Filter::lt("a", 1), doc! {"a": null}));
        assert!(!holds(Filter::lt("a", 1), doc! {"a": f64::NAN}));
        assert!(holds(Filter::lt("a", 1), doc! {"a": [5, 0]}));
        assert!(holds(Filter::Lte("a".into(), Bson::Null), doc! {}));
        assert!(!holds(Filter::Lt("a".into(), Bson::Null), doc! {}));
    }

    #[test]
    fn an_element_must_fulfil_the_whole_inner_filter() {
        let both = Filter::eq("name", "a").and(Filter::gt("n", 1));
        let doc = doc! {"items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}]};
        assert!(!holds(Filter::elem("items", both.clone()), doc));
        assert!(holds(Filter::elem("items", both), doc! {"items": [{"name": "a", "n": 2}]}));
        assert!(!holds(Filter::elem("items", Filter::All), doc! {"items": {"name": "a"}}));
    }

    #[test]
    fn existence_counts_null_but_not_absence() {
        assert!(holds(Filter::exists("a"), doc! {"a": null}));
        assert!(holds(Filter::missing("a"), doc! {}));
        assert!(holds(Filter::missing("a.b"), doc! {"a": []}));
        assert!(holds(Filter::exists("a.b"), doc! {"a": [{}, {"b": 1}]}));
    }

    #[test]
    fn an_empty_or_matches_nothing() {
        assert!(!holds(Filter::Or(vec![]), doc! {}));
        assert!(holds(Filter::And(vec![]), doc! {}));
        assert!(holds(!Filter::Or(vec![]), doc! {}));
    }

    #[test]
    fn a_regular_expression_finds_in_text_and_in_arrays_of_texts() {
        assert!(holds(Filter::regex("a", "^my"), doc! {"a": "myapp"}));
        assert!(holds(Filter::regex("a", "app$"), doc! {"a": [1, "myapp"]}));
        assert!(!holds(Filter::regex("a", "1"), doc! {"a": 1}));
        assert!(Matcher::new(&Filter::regex("a", "(")).is_err());
    }

    #[test]
    fn sub_documents_are_equal_only_in_the_same_order() {
        let doc = doc! {"lock": {"type": "app", "value": "x"}};
        assert!(holds(Filter::Eq("lock".into(), bson!({"type": "app", "value": "x"})), doc.clone()));
        assert!(!holds(Filter::Eq("lock".into(), bson!({"value": "x", "type": "app"})), doc));
    }
}
