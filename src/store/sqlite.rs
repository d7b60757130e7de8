//! The embedded backend: one SQLite file. Documents are rows of BSON; each declared index is a table of keys in MongoDB's order.

mod change;
mod connection;
mod find;
mod keys;
mod plan;
mod readers;
mod schema;
mod writer;

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bson::{Document as Doc, RawDocumentBuf};
use rusqlite::Connection;

use super::{Backend, Filter, Find, Result, Spec, StoreError, Update, evaluate, exact};
use readers::Readers;
use writer::Writer;

/// The database file in the data folder.
const FILE: &str = "store.db";

/// The embedded backend.
pub struct Sqlite {
    /// None in memory, where the writer's connection is the only one.
    readers: Option<Arc<Readers>>,
    writer: Writer,
    ensured: Mutex<HashSet<usize>>,
}

impl Sqlite {
    /// Opens the database of this folder; makes both when they are not there.
    pub fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(|e| StoreError::Fault(format!("{}: {e}", dir.display())))?;
        let file = dir.join(FILE);
        Self::with(connection::writer(&file)?, Some(Readers::new(file)))
    }

    /// True when this folder has a database.
    pub fn is_in(dir: &Path) -> bool {
        dir.join(FILE).exists()
    }

    /// A database that is gone when it is dropped.
    pub fn in_memory() -> Result<Self> {
        Self::with(connection::in_memory()?, None)
    }

    fn with(conn: Connection, readers: Option<Arc<Readers>>) -> Result<Self> {
        schema::prepare(&conn)?;
        Ok(Self { readers, writer: Writer::start(conn)?, ensured: Mutex::default() })
    }

    async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        match &self.readers {
            Some(readers) => readers.run(work).await,
            None => self.writer.run(work).await,
        }
    }

    /// A collection is made at its first use.
    async fn of(&self, spec: &'static Spec) -> Result<&'static str> {
        let id = std::ptr::from_ref(spec).addr();
        if !self.ensured.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            self.writer.run(move |conn| schema::ensure(conn, spec)).await?;
            self.ensured.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        }
        Ok(spec.name)
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn ensure(&self, spec: &'static Spec) -> Result<()> {
        self.of(spec).await.map(drop)
    }

    async fn find(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<Doc>> {
        self.find_raw(spec, filter, find).await?.iter().map(|raw| exact::taken_apart(raw)).collect()
    }

    async fn find_raw(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<RawDocumentBuf>> {
        let (name, filter, find) = (self.of(spec).await?, filter.clone(), find.clone());
        self.read(move |conn| find::find(conn, name, &filter, &find)).await
    }

    async fn count(&self, spec: &'static Spec, filter: &Filter) -> Result<u64> {
        let (name, filter) = (self.of(spec).await?, filter.clone());
        self.read(move |conn| find::count(conn, name, &filter)).await
    }

    async fn distinct(&self, spec: &'static Spec, path: &'static str) -> Result<Vec<String>> {
        let name = self.of(spec).await?;
        self.read(move |conn| find::distinct(conn, name, path)).await
    }

    async fn insert(&self, spec: &'static Spec, doc: Doc) -> Result<()> {
        let name = self.of(spec).await?;
        self.writer.run(move |conn| change::insert(conn, name, doc).map(drop)).await
    }

    async fn update_one(&self, spec: &'static Spec, filter: &Filter, update: &Update, upsert: bool) -> Result<Option<Doc>> {
        evaluate::check(update)?;
        let (name, filter, update) = (self.of(spec).await?, filter.clone(), update.clone());
        self.writer.run(move |conn| change::update_one(conn, name, &filter, &update, upsert)).await
    }

    async fn update_many(&self, spec: &'static Spec, filter: &Filter, update: &Update) -> Result<u64> {
        evaluate::check(update)?;
        let (name, filter, update) = (self.of(spec).await?, filter.clone(), update.clone());
        self.writer.run(move |conn| change::update_many(conn, name, &filter, &update)).await
    }

    async fn delete(&self, spec: &'static Spec, filter: &Filter) -> Result<u64> {
        let (name, filter) = (self.of(spec).await?, filter.clone());
        self.writer.run(move |conn| change::delete(conn, name, &filter)).await
    }

    fn alone(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<()> {
        self.read(|conn| schema::collections(conn).map(drop)).await
    }

    async fn collections(&self) -> Result<Vec<String>> {
        self.read(|conn| {
            let mut names = Vec::new();
            for name in schema::collections(conn)? {
                if find::count(conn, &name, &Filter::All)? > 0 {
                    names.push(name);
                }
            }
            Ok(names)
        })
        .await
    }

    async fn dump(&self, collection: &str) -> Result<Vec<Doc>> {
        let name = collection.to_owned();
        let all = move |conn: &Connection| match schema::known(conn, &name)? {
            true => find::find(conn, &name, &Filter::All, &Find::default()),
            false => Ok(vec![]),
        };
        self.read(all).await?.iter().map(|raw| exact::taken_apart(raw)).collect()
    }

    async fn load(&self, collection: &str, docs: Vec<Doc>) -> Result<()> {
        let name = collection.to_owned();
        self.writer
            .run(move |conn| {
                schema::ensure_collection(conn, &name)?;
                docs.into_iter().try_for_each(|doc| change::insert(conn, &name, doc).map(drop))
            })
            .await
    }
}

#[cfg(test)]
mod tests;
