//! Writing documents and their index keys, inside somebody's transaction.

use bson::{Bson, Document as Doc};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    connection::fault,
    find::select,
    keys::keys,
    plan::IndexDef,
    schema::{documents_of, indexes, keys_of, mark},
};
use crate::store::{
    Filter, Result, StoreError, Update,
    evaluate::{apply, key, made, with_id},
};

/// The largest document, as on MongoDB.
const LARGEST: usize = 16 << 20;

/// Adds a document, with an `_id` when it has none.
pub fn insert(conn: &Connection, collection: &str, doc: Doc) -> Result<Doc> {
    let doc = with_id(doc);
    let id = doc.get("_id").filter(|id| !matches!(id, Bson::Array(_) | Bson::RegularExpression(_) | Bson::Undefined));
    let id = id.map(key).ok_or_else(|| StoreError::Fault(format!("{collection}: a document cannot have such an _id")))?;
    let body = encoded(collection, &doc)?;
    let sql = format!("INSERT INTO {} (key, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING", documents_of(collection));
    if conn.prepare_cached(&sql).and_then(|mut insert| insert.execute(params![id, body])).map_err(fault)? == 0 {
        return Err(StoreError::Duplicate("_id_".into()));
    }
    let seq = conn.last_insert_rowid();
    indexes(conn, collection)?.iter().try_for_each(|index| reindex(conn, (collection, index), seq, None, Some(&doc)))?;
    Ok(doc)
}

/// Changes the first match; what it is then. With `upsert`, a missing one is made.
pub fn update_one(conn: &Connection, collection: &str, filter: &Filter, update: &Update, upsert: bool) -> Result<Option<Doc>> {
    let known = indexes(conn, collection)?;
    match select(conn, (collection, &known), filter, 1)?.into_iter().next() {
        Some((seq, doc)) => replace(conn, (collection, &known), seq, &doc, update).map(Some),
        None if upsert => insert(conn, collection, made(filter, update)?).map(Some),
        None => Ok(None),
    }
}

/// Changes every match; how many.
pub fn update_many(conn: &Connection, collection: &str, filter: &Filter, update: &Update) -> Result<u64> {
    let known = indexes(conn, collection)?;
    let found = select(conn, (collection, &known), filter, usize::MAX)?;
    found.iter().try_for_each(|(seq, doc)| replace(conn, (collection, &known), *seq, doc, update).map(drop))?;
    Ok(found.len() as u64)
}

/// Removes every match; how many.
pub fn delete(conn: &Connection, collection: &str, filter: &Filter) -> Result<u64> {
    let known = indexes(conn, collection)?;
    let found = select(conn, (collection, &known), filter, usize::MAX)?;
    let sql = format!("DELETE FROM {} WHERE seq = ?1", documents_of(collection));
    for (seq, doc) in &found {
        known.iter().try_for_each(|index| reindex(conn, (collection, index), *seq, Some(doc), None))?;
        conn.prepare_cached(&sql).and_then(|mut delete| delete.execute([seq])).map_err(fault)?;
    }
    Ok(found.len() as u64)
}

fn replace(conn: &Connection, of: (&str, &[IndexDef]), seq: i64, before: &Doc, update: &Update) -> Result<Doc> {
    let (collection, known) = of;
    let after = apply(update, before)?;
    let body = encoded(collection, &after)?;
    let sql = format!("UPDATE {} SET body = ?1 WHERE seq = ?2", documents_of(collection));
    conn.prepare_cached(&sql).and_then(|mut update| update.execute(params![body, seq])).map_err(fault)?;
    known.iter().try_for_each(|index| reindex(conn, (collection, index), seq, Some(before), Some(&after)))?;
    Ok(after)
}

fn encoded(collection: &str, doc: &Doc) -> Result<Vec<u8>> {
    let body = doc.to_vec().map_err(|e| StoreError::Fault(e.to_string()))?;
    if body.len() > LARGEST {
        return Err(StoreError::Fault(format!("{collection}: a document of {} bytes is too large", body.len())));
    }
    Ok(body)
}

/// Brings an index from one state of a document to another; only keys that differ are written.
pub fn reindex(conn: &Connection, index: (&str, &IndexDef), seq: i64, before: Option<&Doc>, after: Option<&Doc>) -> Result<()> {
    let (collection, def) = index;
    let table = keys_of(collection, &def.name);
    let old = before.map(|doc| keys(def, doc).keys).unwrap_or_default();
    let new = after.map(|doc| keys(def, doc));
    let kept = new.as_ref().map_or(&[][..], |new| &new.keys);
    let run = |sql: &str, key: &[u8]| conn.prepare_cached(sql).and_then(|mut q| q.execute(params![key, seq])).map_err(fault);
    for key in old.iter().filter(|key| !kept.contains(key)) {
        run(&format!("DELETE FROM {table} WHERE key = ?1 AND doc = ?2"), key)?;
    }
    for key in kept.iter().filter(|key| !old.contains(key)) {
        unique(conn, &table, def, key)?;
        run(&format!("INSERT INTO {table} VALUES (?1, ?2)"), key)?;
    }
    if new.is_some_and(|new| new.many) && !def.many { mark(conn, collection, def) } else { Ok(()) }
}

/// Refuses a key that another document has.
fn unique(conn: &Connection, table: &str, index: &IndexDef, key: &[u8]) -> Result<()> {
    if !index.unique {
        return Ok(());
    }
    let mut taken = conn.prepare_cached(&format!("SELECT 1 FROM {table} WHERE key = ?1")).map_err(fault)?;
    match taken.query_row([key], |_| Ok(())).optional().map_err(fault)? {
        Some(()) => Err(StoreError::Duplicate(index.name.clone())),
        None => Ok(()),
    }
}
