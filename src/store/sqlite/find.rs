//! Finding documents, by index where there is one, inside somebody's transaction.

use std::{collections::BTreeSet, ops::ControlFlow};

use bson::{Document as Doc, RawDocument, RawDocumentBuf};
use rusqlite::{Connection, Statement, params};

use super::{
    connection::fault,
    plan::{IndexDef, Plan, Range, in_order, plan},
    schema::{documents_of, indexes, keys_of},
};
use crate::store::{
    Filter, Find, Result, StoreError,
    evaluate::{Matcher, Sorting},
};

/// So many candidates are sorted rather than looked for in order.
const FEW: i64 = 1000;

/// Sees a matching document; may have seen enough.
type See<'a> = &'a mut dyn FnMut(Row) -> Result<ControlFlow<()>>;

/// A stored document, taken apart only where its fields are looked at.
struct Row<'a> {
    place: i64,
    body: &'a [u8],
    doc: Option<Doc>,
}

impl Row<'_> {
    fn doc(self) -> Result<Doc> {
        self.doc.map_or_else(|| read(self.body), Ok)
    }

    fn raw(&self) -> Result<RawDocumentBuf> {
        RawDocumentBuf::from_bytes(self.body.to_vec()).map_err(broken)
    }
}

/// Matching documents in this order and window.
pub fn find(conn: &Connection, collection: &str, filter: &Filter, find: &Find) -> Result<Vec<RawDocumentBuf>> {
    let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
    let limit = usize::try_from(find.limit).ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
    let plan = planned(conn, (collection, &indexes(conn, collection)?), filter, find)?;
    let sorted = find.sort.is_none() || matches!(plan, Plan::Index { in_order: true, .. });
    let enough = if sorted { skip.saturating_add(limit) } else { usize::MAX };
    let sorting = Sorting::of(find).filter(|_| !sorted);
    let mut found = Vec::new();
    follow(conn, collection, (&plan, find), filter, &mut |row| {
        let raw = row.raw()?;
        found.push(match &sorting {
            Some(sorting) => (sorting.key(&row.doc()?), raw),
            None => (Vec::new(), raw),
        });
        Ok(if found.len() >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if let Some(sorting) = sorting {
        sorting.sort(&mut found);
    }
    Ok(found.into_iter().map(|(_, raw)| raw).skip(skip).take(limit).collect())
}

/// Matching documents with their places, oldest first, `most` at most.
pub fn select(conn: &Connection, from: (&str, &[IndexDef]), filter: &Filter, most: usize) -> Result<Vec<(i64, Doc)>> {
    let (plan, collection) = (planned(conn, from, filter, &Find::default())?, from.0);
    let mut found = Vec::new();
    follow(conn, collection, (&plan, &Find::default()), filter, &mut |row| {
        found.push((row.place, row.doc()?));
        Ok(if found.len() >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found)
}

/// How many match.
pub fn count(conn: &Connection, collection: &str, filter: &Filter) -> Result<u64> {
    if *filter == Filter::All {
        let sql = format!("SELECT count(*) FROM {}", documents_of(collection));
        let n: i64 = conn.query_row(&sql, [], |row| row.get(0)).map_err(fault)?;
        return Ok(n.unsigned_abs());
    }
    let plan = planned(conn, (collection, &indexes(conn, collection)?), filter, &Find::default())?;
    let mut n = 0;
    follow(conn, collection, (&plan, &Find::default()), filter, &mut |_| {
        n += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(n)
}

/// The different texts at a path, in order: one short look into its index for each.
pub fn distinct(conn: &Connection, collection: &str, path: &'static str) -> Result<Vec<String>> {
    let first = Find { sort: Some((path, false)), skip: 0, limit: 1 };
    let mut texts: Vec<String> = Vec::new();
    loop {
        let later = Filter::gt(path, texts.last().map_or("", String::as_str));
        let found = find(conn, collection, &later, &first)?.pop();
        match found.as_ref().and_then(|doc| path_text(doc, path)) {
            Some(text) => texts.push(text.to_owned()),
            None => return Ok(texts),
        }
    }
}

fn path_text<'a>(doc: &'a RawDocument, path: &str) -> Option<&'a str> {
    let (way, last) = path.rsplit_once('.').unwrap_or(("", path));
    let inner = way.split('.').filter(|name| !name.is_empty()).try_fold(doc, |doc, name| doc.get_document(name).ok());
    inner?.get_str(last).ok()
}

/// Every document, oldest first.
pub fn all(conn: &Connection, collection: &str, see: &mut dyn FnMut(i64, Doc) -> Result<()>) -> Result<()> {
    let matcher = Matcher::new(&Filter::All)?;
    scan(conn, collection, &matcher, &mut |row| see(row.place, row.doc()?).map(ControlFlow::Continue))
}

fn planned(conn: &Connection, (collection, declared): (&str, &[IndexDef]), filter: &Filter, find: &Find) -> Result<Plan> {
    let known = [declared, &[IndexDef::id()]].concat();
    let best = plan(filter, find, &known);
    match in_order(filter, find, &known).filter(|_| find.limit > 0) {
        Some(window) if rows(conn, collection, &best)? > FEW => Ok(window),
        _ => Ok(best),
    }
}

/// How many candidates a plan has that must be sorted; more than [`FEW`] are not counted.
fn rows(conn: &Connection, collection: &str, plan: &Plan) -> Result<i64> {
    match plan {
        Plan::Scan | Plan::Index { in_order: true, .. } => Ok(0),
        Plan::Union(plans) => plans.iter().map(|plan| rows(conn, collection, plan)).sum(),
        Plan::Index { name, ranges, .. } => {
            let (keys, _) = index_table(collection, name);
            let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {keys} WHERE key >= ?1 AND key < ?2 LIMIT {})", FEW + 1);
            let mut query = conn.prepare_cached(&sql).map_err(fault)?;
            let mut count = |range: &Range| query.query_row(params![range.low, range.high], |row| row.get::<_, i64>(0)).map_err(fault);
            ranges.iter().map(&mut count).sum()
        }
    }
}

fn follow(conn: &Connection, collection: &str, (plan, find): (&Plan, &Find), filter: &Filter, see: See) -> Result<()> {
    let matcher = Matcher::new(filter)?;
    match plan {
        Plan::Scan => scan(conn, collection, &matcher, see),
        Plan::Index { name, ranges, in_order: true } => {
            let descending = find.sort.is_some_and(|(_, descending)| descending);
            ordered(conn, collection, (name, ranges, descending), &matcher, see)
        }
        _ => {
            let mut places = BTreeSet::new();
            candidates(conn, collection, plan, &mut places)?;
            by_place(conn, collection, places, &matcher, see)
        }
    }
}

fn scan(conn: &Connection, collection: &str, matcher: &Matcher, see: See) -> Result<()> {
    let sql = format!("SELECT seq, body FROM {} ORDER BY seq", documents_of(collection));
    let mut query = conn.prepare_cached(&sql).map_err(fault)?;
    stream(&mut query, [], matcher, see).map(drop)
}

/// The rows of a query, until enough was seen.
fn stream(query: &mut Statement, with: impl rusqlite::Params, matcher: &Matcher, see: See) -> Result<ControlFlow<()>> {
    let mut rows = query.query(with).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let (place, body) = (row.get(0).map_err(fault)?, row.get_ref(1).and_then(|body| Ok(body.as_blob()?)).map_err(fault)?);
        let doc = if matcher.holds_always() { None } else { Some(read(body)?) };
        if doc.as_ref().is_none_or(|doc| matcher.holds(doc)) && see(Row { place, body, doc })?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The table and the column of a document's place in it.
fn index_table(collection: &str, index: &str) -> (String, &'static str) {
    if index == "_id_" { (documents_of(collection), "seq") } else { (keys_of(collection, index), "doc") }
}

fn ordered(conn: &Connection, collection: &str, at: (&str, &[Range], bool), matcher: &Matcher, see: See) -> Result<()> {
    let (index, ranges, descending) = at;
    let ((keys, place), documents) = (index_table(collection, index), documents_of(collection));
    let way = if descending { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT d.seq, d.body FROM {keys} k CROSS JOIN {documents} d ON d.seq = k.{place}
         WHERE k.key >= ?1 AND k.key < ?2 ORDER BY k.key {way}, k.{place} {way}"
    );
    let mut query = conn.prepare_cached(&sql).map_err(fault)?;
    for range in ranges {
        if stream(&mut query, params![range.low, range.high], matcher, see)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn candidates(conn: &Connection, collection: &str, plan: &Plan, into: &mut BTreeSet<i64>) -> Result<()> {
    match plan {
        Plan::Union(plans) => plans.iter().try_for_each(|plan| candidates(conn, collection, plan, into)),
        Plan::Index { name, ranges, .. } => {
            let (keys, place) = index_table(collection, name);
            let sql = format!("SELECT {place} FROM {keys} WHERE key >= ?1 AND key < ?2");
            let mut query = conn.prepare_cached(&sql).map_err(fault)?;
            for range in ranges {
                let rows = query.query_map(params![range.low, range.high], |row| row.get(0)).map_err(fault)?;
                for place in rows {
                    into.insert(place.map_err(fault)?);
                }
            }
            Ok(())
        }
        Plan::Scan => Ok(()),
    }
}

fn by_place(conn: &Connection, collection: &str, places: BTreeSet<i64>, matcher: &Matcher, see: See) -> Result<()> {
    let sql = format!("SELECT seq, body FROM {} WHERE seq = ?1", documents_of(collection));
    let mut query = conn.prepare_cached(&sql).map_err(fault)?;
    for place in places {
        if stream(&mut query, [place], matcher, see)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn read(body: &[u8]) -> Result<Doc> {
    Doc::from_reader(body).map_err(broken)
}

fn broken(e: impl std::fmt::Display) -> StoreError {
    StoreError::Fault(format!("a stored document is broken: {e}"))
}
