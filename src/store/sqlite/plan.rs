//! Which rows of which index can hold the matches of a filter. A plan names candidates; the filter itself decides.

use bson::Bson;

use super::keys::whole;
use crate::store::{
    Filter, Find,
    evaluate::{key, rank},
};

/// Above every key that begins with the same bytes: ranks are far below.
const TOP: u8 = 0xff;
/// More ranges than this are not worth an index.
const MOST: usize = 10_000;

/// An index as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDef {
    /// Its name.
    pub name: String,
    /// Its paths, in order.
    pub paths: Vec<String>,
    /// No two documents with equal keys.
    pub unique: bool,
    /// Documents without any of the paths are not in it.
    pub sparse: bool,
    /// Some document has several keys in it.
    pub many: bool,
}

impl IndexDef {
    /// The index that every collection has.
    pub fn id() -> Self {
        Self { name: "_id_".into(), paths: vec!["_id".into()], unique: true, sparse: false, many: false }
    }
}

/// Keys from `low` (with it) up to `high` (without it).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first key.
    pub low: Vec<u8>,
    /// The first key after.
    pub high: Vec<u8>,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// At every document.
    Scan,
    /// At these ranges of an index; `in_order` when they give the wanted order.
    Index {
        /// Its name.
        name: String,
        /// Where in it.
        ranges: Vec<Range>,
        /// They come in the wanted order.
        in_order: bool,
    },
    /// At all of these.
    Union(Vec<Plan>),
}

/// What a filter demands of one path, whatever else it demands.
enum Bound {
    Points(Vec<Vec<u8>>),
    Span(Range),
}

/// The best plan for a filter and an order.
pub fn plan(filter: &Filter, find: &Find, indexes: &[IndexDef]) -> Plan {
    let mut demands = Vec::new();
    conjuncts(filter, "", &mut demands);
    let sort = find.sort.map(|(path, _)| path);
    let best = indexes.iter().filter_map(|index| by_index(index, &demands, sort)).max_by_key(|(score, _)| *score);
    match best {
        Some((score, plan)) if score >= 10 => plan,
        other => by_branches(filter, indexes).or(other.map(|(_, plan)| plan)).unwrap_or(Plan::Scan),
    }
}

/// A plan that gives the wanted order whatever else is demanded: good for the first few of many.
pub fn in_order(filter: &Filter, find: &Find, indexes: &[IndexDef]) -> Option<Plan> {
    let (path, _) = find.sort?;
    let mut demands = Vec::new();
    conjuncts(filter, "", &mut demands);
    demands.retain(|(at, _)| at == path);
    let plans = indexes.iter().filter_map(|index| by_index(index, &demands, Some(path)));
    plans.map(|(_, plan)| plan).find(|plan| matches!(plan, Plan::Index { in_order: true, .. }))
}

/// Comparisons that must hold, with their whole paths. One inside an array element holds for the path through it too.
fn conjuncts<'a>(filter: &'a Filter, prefix: &str, into: &mut Vec<(String, &'a Filter)>) {
    match filter {
        Filter::And(all) => all.iter().for_each(|f| conjuncts(f, prefix, into)),
        Filter::Elem(path, inner) => conjuncts(inner, &format!("{prefix}{path}."), into),
        Filter::Eq(path, _)
        | Filter::In(path, _)
        | Filter::HasAll(path, _)
        | Filter::Gt(path, _)
        | Filter::Gte(path, _)
        | Filter::Lt(path, _)
        | Filter::Lte(path, _) => into.push((format!("{prefix}{path}"), filter)),
        _ => {}
    }
}

/// A plan with its worth: 10 for each path that is bound to values, less for a span or an order.
fn by_index(index: &IndexDef, demands: &[(String, &Filter)], sort: Option<&str>) -> Option<(u32, Plan)> {
    let mut prefixes = vec![Vec::new()];
    let mut ranges = None;
    let (mut score, mut in_order) = (0, false);
    for path in &index.paths {
        in_order = !index.many && !index.sparse && prefixes.len() == 1 && sort == Some(path.as_str());
        match bound(demands, path, index) {
            Some(Bound::Points(points)) if points.len().saturating_mul(prefixes.len()) <= MOST => {
                prefixes = points.iter().flat_map(|point| prefixes.iter().map(|prefix| joined(prefix, point))).collect();
                score += 10;
                in_order &= points.len() == 1;
            }
            Some(Bound::Span(span)) => {
                ranges = Some(prefixes.iter().map(|p| Range { low: joined(p, &span.low), high: joined(p, &span.high) }).collect());
                score += 3;
                break;
            }
            _ => break,
        }
    }
    let whole = index.unique && score == 10 * index.paths.len() as u32;
    score += u32::from(in_order) * 2 + u32::from(whole) * 100;
    let ranges = ranges.unwrap_or_else(|| prefixes.iter().map(|p| Range { low: p.clone(), high: joined(p, &[TOP]) }).collect());
    (score > 0).then(|| (score, Plan::Index { name: index.name.clone(), ranges, in_order }))
}

fn joined(a: &[u8], b: &[u8]) -> Vec<u8> {
    [a, b].concat()
}

/// An `Or` that must hold, when each of its branches has an index.
fn by_branches(filter: &Filter, indexes: &[IndexDef]) -> Option<Plan> {
    match filter {
        Filter::And(all) => all.iter().find_map(|f| by_branches(f, indexes)),
        Filter::Or(branches) => {
            let plans: Vec<_> = branches.iter().map(|f| plan(f, &Find::default(), indexes)).collect();
            (!plans.contains(&Plan::Scan)).then_some(Plan::Union(plans))
        }
        _ => None,
    }
}

fn bound(demands: &[(String, &Filter)], path: &str, index: &IndexDef) -> Option<Bound> {
    let here = || demands.iter().filter(|(at, _)| at == path).map(|(_, demand)| *demand);
    here().find_map(|demand| points(demand, index)).or_else(|| {
        let mut spans = here().filter_map(|demand| span(demand, index));
        let first = spans.next()?;
        // With several keys in a document, one may fulfil the one bound and another the other.
        let both = |a: Range, b: Range| Range { low: a.low.max(b.low), high: a.high.min(b.high) };
        Some(Bound::Span(if index.many { first } else { spans.fold(first, both) }))
    })
}

/// A sparse index does not hold what is missing, and null equals missing.
fn unknown(value: &Bson, index: &IndexDef) -> bool {
    index.sparse && *value == Bson::Null
}

fn points(demand: &Filter, index: &IndexDef) -> Option<Bound> {
    let values = match demand {
        Filter::Eq(_, value) => std::slice::from_ref(value),
        Filter::In(_, values) => values,
        Filter::HasAll(_, values) => values.get(..1).unwrap_or_default(),
        _ => return None,
    };
    if values.iter().any(|value| unknown(value, index)) {
        return None;
    }
    let as_wholes = values.iter().filter(|value| value.as_array().is_some()).map(whole);
    let mut keys: Vec<_> = values.iter().map(key).chain(as_wholes).collect();
    keys.sort();
    keys.dedup();
    Some(Bound::Points(keys))
}

fn span(demand: &Filter, index: &IndexDef) -> Option<Range> {
    let (Filter::Gt(_, value) | Filter::Gte(_, value) | Filter::Lt(_, value) | Filter::Lte(_, value)) = demand else { return None };
    if unknown(value, index) || value.as_array().is_some() {
        return None;
    }
    let (first, after) = (vec![rank(value)], vec![rank(value) + 1]);
    let (at, past) = (key(value), joined(&key(value), &[TOP]));
    Some(match demand {
        Filter::Gt(..) => Range { low: past, high: after },
        Filter::Gte(..) => Range { low: at, high: after },
        Filter::Lt(..) => Range { low: first, high: at },
        _ => Range { low: first, high: past },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, paths: &[&str]) -> IndexDef {
        let paths = paths.iter().map(|p| (*p).to_owned()).collect();
        IndexDef { name: name.into(), paths, unique: false, sparse: false, many: false }
    }

    fn indexes() -> Vec<IndexDef> {
        let sparse = IndexDef { sparse: true, unique: true, ..index("lock", &["lock"]) };
        let many = IndexDef { many: true, ..index("extra", &["extra.value", "at"]) };
        vec![IndexDef::id(), index("target", &["target", "kind", "at"]), index("at", &["at"]), sparse, many]
    }

    /// The index that is used, the number of ranges, and whether it gives the order.
    fn used(filter: Filter, sort: Option<(&'static str, bool)>) -> Option<(String, usize, bool)> {
        match plan(&filter, &Find { sort, ..Find::default() }, &indexes()) {
            Plan::Index { name, ranges, in_order } => Some((name, ranges.len(), in_order)),
            _ => None,
        }
    }

    fn with(name: &str, ranges: usize, in_order: bool) -> Option<(String, usize, bool)> {
        Some((name.into(), ranges, in_order))
    }

    #[test]
    fn equalities_use_their_index() {
        assert_eq!(used(Filter::id("x").and(Filter::eq("target", 1)), None), with("_id_", 1, false));
        assert_eq!(used(Filter::any_of("_id", ["x", "y", "x"]), None), with("_id_", 2, false));
        assert_eq!(used(Filter::eq("target", 1).and(Filter::any_of("kind", [1, 2])), None), with("target", 2, false));
        assert_eq!(used(Filter::elem("extra", Filter::eq("value", 1)), None), with("extra", 1, false));
    }

    #[test]
    fn an_order_after_equalities_comes_from_the_index() {
        let both = Filter::eq("target", 1).and(Filter::eq("kind", 2));
        assert_eq!(used(both.clone(), Some(("at", true))), with("target", 1, true));
        assert_eq!(used(both.and(Filter::gt("at", 3)), Some(("at", false))), with("target", 1, true));
        assert_eq!(used(Filter::All, Some(("at", true))), with("at", 1, true));
        assert_eq!(used(Filter::gt("at", 1).and(Filter::lt("at", 5)), Some(("at", true))), with("at", 1, true));
        assert_eq!(used(Filter::eq("extra.value", 1), Some(("at", true))), with("extra", 1, false));
    }

    #[test]
    fn an_order_can_be_had_without_the_equalities() {
        let newest = Find { sort: Some(("at", true)), ..Find::default() };
        let plan = in_order(&Filter::any_of("kind", [1, 2]), &newest, &indexes());
        assert!(matches!(plan, Some(Plan::Index { name, in_order: true, .. }) if name == "at"));
        assert_eq!(in_order(&Filter::All, &Find { sort: Some(("extra.value", true)), ..Find::default() }, &indexes()), None);
        assert_eq!(in_order(&Filter::All, &Find::default(), &indexes()), None);
    }

    #[test]
    fn a_sparse_index_answers_nothing_about_absence() {
        assert_eq!(used(Filter::Eq("lock".into(), Bson::Null), None), None);
        assert_eq!(used(Filter::eq("lock", 1), None), with("lock", 1, false));
        assert_eq!(used(Filter::All, Some(("lock", false))), None);
    }

    #[test]
    fn an_or_is_a_union_only_when_all_branches_have_an_index() {
        let or = |other| Filter::Or(vec![Filter::eq("target", 1), other]);
        assert!(matches!(plan(&or(Filter::id(1)), &Find::default(), &indexes()), Plan::Union(plans) if plans.len() == 2));
        assert_eq!(plan(&or(Filter::eq("free", 1)), &Find::default(), &indexes()), Plan::Scan);
    }

    #[test]
    fn what_no_index_knows_is_a_scan() {
        for filter in [Filter::All, Filter::ne("target", 1), Filter::eq("kind", 1), !Filter::eq("target", 1), Filter::exists("at")] {
            assert_eq!(plan(&filter, &Find::default(), &indexes()), Plan::Scan, "{filter:?}");
        }
    }
}
