//! The tables: one of documents for each collection, one of keys for each index, and what the indexes are.

use rusqlite::{Connection, OptionalExtension, params};

use super::{change::reindex, connection::fault, find::all, plan::IndexDef};
use crate::store::{Index, Result, Spec, StoreError};

/// The form of these tables; a newer one is refused.
const FORMAT: i64 = 1;

/// Makes the tables about tables.
pub fn prepare(conn: &Connection) -> Result<()> {
    let format: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
    if format > FORMAT {
        return Err(StoreError::Fault(format!("the data is of a newer version ({format}, this server knows {FORMAT})")));
    }
    let tables = "CREATE TABLE IF NOT EXISTS collections (name TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS indexes (collection TEXT, name TEXT, paths TEXT, uniq INTEGER, sparse INTEGER, many INTEGER,
            PRIMARY KEY (collection, name)) WITHOUT ROWID;";
    conn.execute_batch(&format!("{tables} PRAGMA user_version = {FORMAT};")).map_err(fault)
}

/// The table of a collection's documents, quoted.
pub fn documents_of(collection: &str) -> String {
    quoted(&format!("documents of {collection}"))
}

/// The table of an index's keys, quoted.
pub fn keys_of(collection: &str, index: &str) -> String {
    quoted(&format!("keys of {collection} by {index}"))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names of all collections.
pub fn collections(conn: &Connection) -> Result<Vec<String>> {
    let mut query = conn.prepare_cached("SELECT name FROM collections ORDER BY name").map_err(fault)?;
    let names = query.query_map([], |row| row.get(0)).map_err(fault)?;
    names.collect::<rusqlite::Result<_>>().map_err(fault)
}

/// True when the collection has a table.
pub fn known(conn: &Connection, collection: &str) -> Result<bool> {
    let mut query = conn.prepare_cached("SELECT 1 FROM collections WHERE name = ?1").map_err(fault)?;
    query.exists([collection]).map_err(fault)
}

/// Makes the collection's table when it is not there.
pub fn ensure_collection(conn: &Connection, collection: &str) -> Result<()> {
    let table = documents_of(collection);
    let make = format!("CREATE TABLE IF NOT EXISTS {table} (seq INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, body BLOB NOT NULL)");
    conn.execute(&make, []).map_err(fault)?;
    conn.execute("INSERT OR IGNORE INTO collections VALUES (?1)", [collection]).map_err(fault)?;
    Ok(())
}

/// Makes the collection and its declared indexes as far as they are not there.
pub fn ensure(conn: &Connection, spec: &Spec) -> Result<()> {
    ensure_collection(conn, spec.name)?;
    spec.indexes.iter().try_for_each(|index| ensure_index(conn, spec.name, index))
}

fn ensure_index(conn: &Connection, collection: &str, index: &Index) -> Result<()> {
    let wanted = IndexDef {
        name: index.name(),
        paths: index.keys.iter().map(|key| key.0.to_owned()).collect(),
        unique: index.unique,
        sparse: index.sparse,
        many: false,
    };
    let is = self::index(conn, collection, &wanted.name)?;
    if is.is_some_and(|is| IndexDef { many: false, ..is } == wanted) {
        return Ok(());
    }
    build(conn, collection, &wanted)
}

/// Makes the index anew from the documents.
fn build(conn: &Connection, collection: &str, index: &IndexDef) -> Result<()> {
    let table = keys_of(collection, &index.name);
    let make = format!(
        "DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (key BLOB NOT NULL, doc INTEGER NOT NULL, PRIMARY KEY (key, doc)) WITHOUT ROWID;"
    );
    conn.execute_batch(&make).map_err(fault)?;
    let row = params![collection, index.name, index.paths.join("\n"), index.unique, index.sparse];
    conn.execute("INSERT OR REPLACE INTO indexes VALUES (?1, ?2, ?3, ?4, ?5, 0)", row).map_err(fault)?;
    all(conn, collection, &mut |seq, doc| reindex(conn, (collection, index), seq, None, Some(&doc)))
}

/// Notes that documents can have several keys in the index.
pub fn mark(conn: &Connection, collection: &str, index: &IndexDef) -> Result<()> {
    let sql = "UPDATE indexes SET many = 1 WHERE collection = ?1 AND name = ?2 AND many = 0";
    conn.execute(sql, [collection, index.name.as_str()]).map(drop).map_err(fault)
}

const COLUMNS: &str = "SELECT name, paths, uniq, sparse, many FROM indexes WHERE collection = ?1";

fn index(conn: &Connection, collection: &str, name: &str) -> Result<Option<IndexDef>> {
    conn.query_row(&format!("{COLUMNS} AND name = ?2"), [collection, name], read).optional().map_err(fault)
}

/// The collection's indexes, `_id` apart.
pub fn indexes(conn: &Connection, collection: &str) -> Result<Vec<IndexDef>> {
    let mut query = conn.prepare_cached(COLUMNS).map_err(fault)?;
    let rows = query.query_map([collection], read).map_err(fault)?;
    rows.collect::<rusqlite::Result<_>>().map_err(fault)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<IndexDef> {
    let paths: String = row.get(1)?;
    Ok(IndexDef {
        name: row.get(0)?,
        paths: paths.lines().map(str::to_owned).collect(),
        unique: row.get(2)?,
        sparse: row.get(3)?,
        many: row.get(4)?,
    })
}
