//! Documents in tsuru's own collections, on SQLite (embedded) or MongoDB. Nothing outside this folder says either name.
//!
//! The domain works with typed collections and with [`Filter`] and [`Update`]; it never builds BSON.

pub mod changes;
pub mod commands;
pub mod evaluate;
pub mod exact;
pub mod filter;
pub mod lenient;
pub mod mongo;
pub mod patience;
mod remembered;
mod reseal;
pub mod seal;
pub mod shared;
pub mod sqlite;
pub mod transfer;
pub mod update;

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bson::{Document as Doc, RawDocument, RawDocumentBuf};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

pub use changes::Changes;
pub use commands::Commands;
pub use filter::Filter;
pub use patience::patient;
pub use seal::{Key, Sealer};
pub use update::Update;

use patience::{Tried, tried};
use remembered::Remembered;

/// Why the store did not do it.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// A unique key is taken; the name of the index.
    #[error("duplicate key on {0}")]
    Duplicate(String),
    /// The store cannot be reached: try again later.
    #[error("the store is away: {0}")]
    Away(String),
    /// Everything else: a fault of ours or a broken document.
    #[error("{0}")]
    Fault(String),
}

impl From<StoreError> for crate::error::Error {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Away(detail) => {
                tracing::warn!(detail, "store away");
                Self::unavailable("The database is not available, please try again in a moment.")
            }
            other => Self::internal(other),
        }
    }
}

/// Result of store operations.
pub type Result<T> = std::result::Result<T, StoreError>;

/// One key of an index: a dotted path, ascending or descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexKey(pub &'static str, pub bool);

/// A declared index. `sparse`: documents without the (single) key are not in it.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    /// Paths in order; `true` is descending.
    pub keys: &'static [IndexKey],
    /// No two documents with equal keys.
    pub unique: bool,
    /// Absent keys do not count.
    pub sparse: bool,
}

impl Index {
    /// MongoDB's default name of it: `email_1`, `target.value_1_starttime_-1`.
    pub fn name(&self) -> String {
        let parts: Vec<_> =
            self.keys.iter().map(|IndexKey(path, descending)| format!("{path}_{}", if *descending { -1 } else { 1 })).collect();
        parts.join("_")
    }
}

/// A collection: its name, indexes and sealed fields.
#[derive(Debug)]
pub struct Spec {
    /// tsuru's name of it.
    pub name: &'static str,
    /// Its indexes, `_id` apart.
    pub indexes: &'static [Index],
    /// Dotted paths of secret strings; `*` stands for any key or array element: `env.*.value`.
    pub sealed: &'static [&'static str],
}

/// A type kept in a collection of its own.
pub trait Document: Serialize + DeserializeOwned + Send + Sync {
    /// Where it lives.
    const SPEC: &'static Spec;
    /// Fields at its top that tsuru's server does not know: left out of a database that it shares with us.
    const OURS: &'static [&'static str] = &[];
}

/// Order and window of a find.
#[derive(Clone, Debug, Default)]
pub struct Find {
    /// Path and, when true, descending.
    pub sort: Option<(&'static str, bool)>,
    /// How many to leave out first.
    pub skip: u64,
    /// How many at most; 0: all.
    pub limit: i64,
}

/// What the two backends do. All documents in and out are complete and unsealed bytes as stored.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Makes the collection's indexes when they are not there.
    async fn ensure(&self, spec: &'static Spec) -> Result<()>;
    /// Matching documents.
    async fn find(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<Doc>>;
    /// Matching documents as they are stored, not taken apart.
    async fn find_raw(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<RawDocumentBuf>> {
        self.find(spec, filter, find).await?.iter().map(exact::raw).collect()
    }
    /// How many match.
    async fn count(&self, spec: &'static Spec, filter: &Filter) -> Result<u64>;
    /// The different texts at a path that an index begins with, in order.
    async fn distinct(&self, spec: &'static Spec, path: &'static str) -> Result<Vec<String>>;
    /// Adds a document; unique keys hold.
    async fn insert(&self, spec: &'static Spec, doc: Doc) -> Result<()>;
    /// Changes the first match in one atomic step and gives it as it is afterwards. With `upsert`, a missing one is made from the
    /// filter's equalities and the update.
    async fn update_one(&self, spec: &'static Spec, filter: &Filter, update: &Update, upsert: bool) -> Result<Option<Doc>>;
    /// Changes every match; how many matched.
    async fn update_many(&self, spec: &'static Spec, filter: &Filter, update: &Update) -> Result<u64>;
    /// Removes every match; how many.
    async fn delete(&self, spec: &'static Spec, filter: &Filter) -> Result<u64>;
    /// True when nobody else writes to it.
    fn alone(&self) -> bool {
        false
    }
    /// Answers when the store is there.
    async fn ping(&self) -> Result<()>;
    /// Names of all collections that hold something, also unknown ones.
    async fn collections(&self) -> Result<Vec<String>>;
    /// Every document of a collection by name, raw, for export.
    async fn dump(&self, collection: &str) -> Result<Vec<Doc>>;
    /// Puts a raw document into a collection by name, for import.
    async fn load(&self, collection: &str, docs: Vec<Doc>) -> Result<()>;
}

/// The store: a backend and the key that seals secrets.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    commands: Arc<Commands>,
    sealer: Arc<Sealer>,
    changes: Arc<Changes>,
    remembered: Arc<Remembered>,
    hash_cost: u32,
    specs: Arc<Mutex<BTreeMap<&'static str, &'static Spec>>>,
}

/// What bcrypt costs in tsuru's server when nothing else is said.
const HASH_COST: u32 = 10;

impl Store {
    /// Wraps a backend.
    pub fn new(backend: Arc<dyn Backend>, sealer: Sealer) -> Self {
        Self {
            backend,
            commands: Arc::default(),
            sealer: Arc::new(sealer),
            changes: Arc::default(),
            hash_cost: HASH_COST,
            specs: Arc::default(),
            remembered: Arc::default(),
        }
    }

    /// The same, where new passwords of a shared database cost so much (`auth:hash-cost`).
    #[must_use]
    pub fn with_hash_cost(mut self, cost: u32) -> Self {
        self.hash_cost = cost;
        self
    }

    /// The cost of bcrypt for new passwords of a shared database.
    pub fn hash_cost(&self) -> u32 {
        self.hash_cost
    }

    /// The typed collection of `T`.
    pub fn of<T: Document>(&self) -> Collection<'_, T> {
        Collection { store: self, of: PhantomData }
    }

    /// How many commands the backend was given.
    pub fn commands(&self) -> Arc<Commands> {
        self.commands.clone()
    }

    /// The backend, for export, import and health checks.
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// This server's own writes, counted.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Every collection whose indexes were made.
    pub fn specs(&self) -> Vec<&'static Spec> {
        self.specs.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }

    /// Seals and opens secrets.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// True for a database that tsuru's server uses too: its documents stay exactly as that writes them.
    pub fn is_shared(&self) -> bool {
        !self.sealer.seals()
    }
}

/// The documents of one type.
pub struct Collection<'a, T> {
    store: &'a Store,
    of: PhantomData<T>,
}

impl<T: Document> Collection<'_, T> {
    /// Makes its indexes.
    pub async fn ensure(&self) -> Result<()> {
        self.store.specs.lock().unwrap_or_else(PoisonError::into_inner).insert(T::SPEC.name, T::SPEC);
        self.writes("ensure", || self.store.backend().ensure(T::SPEC)).await.outcome
    }

    /// The first match.
    pub async fn get(&self, filter: Filter) -> Result<Option<T>> {
        let find = Find { limit: 1, ..Find::default() };
        Ok(self.find_with(filter, find).await?.into_iter().next())
    }

    /// All matches.
    pub async fn find(&self, filter: Filter) -> Result<Vec<T>> {
        self.find_with(filter, Find::default()).await
    }

    /// Matches in this order and window.
    pub async fn find_with(&self, filter: Filter, find: Find) -> Result<Vec<T>> {
        self.stored(&filter, &find).await?.iter().map(|raw| self.read_raw(raw)).collect()
    }

    async fn stored(&self, filter: &Filter, find: &Find) -> Result<Vec<RawDocumentBuf>> {
        self.reads("find", || self.store.backend().find_raw(T::SPEC, filter, find)).await
    }

    /// How many match.
    pub async fn count(&self, filter: Filter) -> Result<u64> {
        self.reads("count", || self.store.backend().count(T::SPEC, &filter)).await
    }

    /// The different texts at a path that an index begins with, in order.
    pub async fn distinct(&self, path: &'static str) -> Result<Vec<String>> {
        self.reads("distinct", || self.store.backend().distinct(T::SPEC, path)).await
    }

    /// Adds one; [`StoreError::Duplicate`] when a unique key is taken.
    pub async fn insert(&self, value: &T) -> Result<()> {
        let doc = exact::document(value)?;
        let doc = if self.store.is_shared() { shared::document(doc, T::OURS) } else { doc };
        // The _id comes first: secrets are sealed for the document that they are in.
        let doc = self.store.sealer.seal(T::SPEC, evaluate::with_id(doc))?;
        let tried = self.changes("insert", || self.store.backend().insert(T::SPEC, doc.clone())).await;
        match (tried.outcome, doc.get("_id")) {
            // It was added before the answer was lost.
            (Err(StoreError::Duplicate(_)), Some(id)) if tried.again && self.count(Filter::id(id)).await? > 0 => Ok(()),
            (outcome, _) => outcome,
        }
    }

    /// Changes the first match, atomically; what it is afterwards, or `None` when nothing matched (compare-and-set failed).
    pub async fn update(&self, filter: Filter, update: Update) -> Result<Option<T>> {
        self.change(filter, update, false).await
    }

    /// Changes the first match without counting it as a change: for notes such as a last use, which nobody remembers.
    pub async fn note(&self, filter: Filter, update: Update) -> Result<()> {
        let update = self.fit(&filter, update)?;
        self.writes("update", || self.store.backend().update_one(T::SPEC, &filter, &update, false)).await.outcome?;
        Ok(())
    }

    /// Like [`Self::update`], and makes it when nothing matched.
    pub async fn upsert(&self, filter: Filter, update: Update) -> Result<Option<T>> {
        self.change(filter, update, true).await
    }

    /// Changes all matches; how many.
    pub async fn update_many(&self, filter: Filter, update: Update) -> Result<u64> {
        let update = self.fit(&filter, update)?;
        self.changes("update_many", || self.store.backend().update_many(T::SPEC, &filter, &update)).await.outcome
    }

    /// Removes all matches; how many.
    pub async fn delete(&self, filter: Filter) -> Result<u64> {
        self.changes("delete", || self.store.backend().delete(T::SPEC, &filter)).await.outcome
    }

    async fn reads<O, F>(&self, operation: &'static str, command: impl Fn() -> F) -> Result<O>
    where
        F: Future<Output = Result<O>>,
    {
        Box::pin(tried(!self.store.backend.alone(), || self.store.commands.read((T::SPEC.name, operation), command()))).await.outcome
    }

    async fn writes<O, F>(&self, operation: &'static str, command: impl Fn() -> F) -> Tried<O>
    where
        F: Future<Output = Result<O>>,
    {
        Box::pin(tried(!self.store.backend.alone(), || self.store.commands.write((T::SPEC.name, operation), command()))).await
    }

    /// A write that others who remember the collection hear of.
    async fn changes<O, F>(&self, operation: &'static str, command: impl Fn() -> F) -> Tried<O>
    where
        F: Future<Output = Result<O>>,
    {
        self.store.changes.count(T::SPEC.name);
        let tried = self.writes(operation, command).await;
        self.store.changes.count(T::SPEC.name);
        tried
    }

    async fn change(&self, filter: Filter, update: Update, upsert: bool) -> Result<Option<T>> {
        let update = self.fit(&filter, update)?;
        let doc = self.changes("update", || self.store.backend().update_one(T::SPEC, &filter, &update, upsert)).await.outcome?;
        doc.map(|doc| self.read(doc)).transpose()
    }

    /// The update as the store may have it: sealed, or as tsuru's server would write it.
    fn fit(&self, filter: &Filter, update: Update) -> Result<Update> {
        if self.store.is_shared() {
            return self.store.sealer.seal_update(T::SPEC, filter, shared::update(update, T::OURS));
        }
        self.store.sealer.seal_update(T::SPEC, filter, update)
    }

    /// Only what must be changed first is taken apart.
    fn read_raw(&self, raw: &RawDocument) -> Result<T> {
        if self.store.sealer.seals_in(T::SPEC) || lenient::has_undefined(raw) {
            return self.read(exact::taken_apart(raw)?);
        }
        exact::raw_value(raw).map_err(unreadable::<T>)
    }

    fn read(&self, doc: Doc) -> Result<T> {
        let doc = self.store.sealer.open(T::SPEC, lenient::without_undefined(doc))?;
        exact::value(&doc).map_err(unreadable::<T>)
    }
}

fn unreadable<T: Document>(e: StoreError) -> StoreError {
    StoreError::Fault(format!("{}: {e}", T::SPEC.name))
}
