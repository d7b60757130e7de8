//! The production backend: a MongoDB that may be tsuru's own.

mod error;
mod translate;

use std::{
    collections::HashSet,
    future::IntoFuture,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bson::{Document as Doc, RawDocumentBuf, doc};
use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, Database, IndexModel,
    options::{Acknowledgment, ClientOptions, IndexOptions, ReturnDocument, WriteConcern},
};

use super::{Backend, Filter, Find, Index, Result, Spec, StoreError, Update, evaluate, exact};
use error::store_error;

/// How long a server may take to be found.
const CHOOSING: Duration = Duration::from_secs(2);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a majority may take to have a write.
const MAJORITY: Duration = Duration::from_secs(10);
/// Documents that are loaded at once.
const CHUNK: usize = 500;

/// Documents go as they are: the driver's way through serde would read names like `$date` as extended JSON.
type Raw = Collection<RawDocumentBuf>;

/// The production backend.
pub struct Mongo {
    database: Database,
    ensured: Mutex<HashSet<usize>>,
}

impl Mongo {
    /// The database `name` (tsuru's `database:name`) of the servers at `url` (`database:url`; without a scheme, `mongodb://` is meant).
    /// Connects when it is first used: servers that are away now may come.
    pub async fn connect(url: &str, name: &str) -> Result<Self> {
        let known = ["mongodb://", "mongodb+srv://"].iter().any(|scheme| url.starts_with(scheme));
        let url = if known { url.to_owned() } else { format!("mongodb://{url}") };
        let mut options = ClientOptions::parse(url).await.map_err(|e| StoreError::Fault(format!("database:url: {e}")))?;
        options.app_name.get_or_insert_with(|| "impaasd".into());
        options.server_selection_timeout.get_or_insert(CHOOSING);
        options.connect_timeout.get_or_insert(CHOOSING);
        let majority = || WriteConcern::builder().w(Acknowledgment::Majority).w_timeout(MAJORITY).build();
        options.write_concern.get_or_insert_with(majority);
        let client = Client::with_options(options).map_err(|e| StoreError::Fault(format!("database:url: {e}")))?;
        Ok(Self { database: client.database(name), ensured: Mutex::default() })
    }

    /// The collection, with its indexes made at its first use.
    async fn of(&self, spec: &'static Spec) -> Result<Raw> {
        let collection = self.database.collection(spec.name);
        let id = std::ptr::from_ref(spec).addr();
        if !self.ensured.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            if !spec.indexes.is_empty() {
                run(spec.name, collection.create_indexes(spec.indexes.iter().map(model))).await?;
            }
            self.ensured.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        }
        Ok(collection)
    }

    async fn change_one(&self, spec: &'static Spec, filter: &Filter, update: &Update, upsert: bool) -> Result<Option<Doc>> {
        let collection = self.of(spec).await?;
        let change = collection.find_one_and_update(translate::filter(filter), translate::update(update));
        let done = run(spec.name, change.upsert(upsert).return_document(ReturnDocument::After)).await?;
        done.map(|raw| exact::taken_apart(&raw)).transpose()
    }
}

/// As tsuru makes it: options that are off are not said.
fn model(index: &Index) -> IndexModel {
    let keys = index.keys.iter().map(|key| (key.0.to_owned(), if key.1 { -1 } else { 1 }.into()));
    let options = IndexOptions::builder().unique(index.unique.then_some(true)).sparse(index.sparse.then_some(true)).build();
    IndexModel::builder().keys(keys.collect::<Doc>()).options(options).build()
}

/// Runs an action of the driver, not forever.
async fn run<T>(collection: &str, action: impl IntoFuture<Output = mongodb::error::Result<T>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, action.into_future()).await {
        Ok(done) => done.map_err(|e| store_error(collection, &e)),
        Err(_) => Err(StoreError::Away(format!("mongodb: no answer within {} s", PATIENCE.as_secs()))),
    }
}

#[async_trait]
impl Backend for Mongo {
    async fn ensure(&self, spec: &'static Spec) -> Result<()> {
        self.of(spec).await.map(drop)
    }

    async fn find(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<Doc>> {
        self.find_raw(spec, filter, find).await?.iter().map(|raw| exact::taken_apart(raw)).collect()
    }

    async fn find_raw(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<RawDocumentBuf>> {
        let collection = self.of(spec).await?;
        let sort = find.sort.map(|(path, descending)| doc! {path: if descending { -1 } else { 1 }});
        let found = collection.find(translate::filter(filter)).skip(find.skip).limit(find.limit).sort(sort.unwrap_or_default());
        run(spec.name, async { found.await?.try_collect().await }).await
    }

    async fn count(&self, spec: &'static Spec, filter: &Filter) -> Result<u64> {
        run(spec.name, self.of(spec).await?.count_documents(translate::filter(filter))).await
    }

    async fn distinct(&self, spec: &'static Spec, path: &'static str) -> Result<Vec<String>> {
        let found = run(spec.name, self.of(spec).await?.distinct(path, doc! {})).await?;
        let mut texts: Vec<String> =
            found.into_iter().filter_map(|value| value.as_str().map(str::to_owned)).filter(|text| !text.is_empty()).collect();
        texts.sort();
        Ok(texts)
    }

    async fn insert(&self, spec: &'static Spec, doc: Doc) -> Result<()> {
        run(spec.name, self.of(spec).await?.insert_one(exact::raw(&evaluate::with_id(doc))?)).await.map(drop)
    }

    async fn update_one(&self, spec: &'static Spec, filter: &Filter, update: &Update, upsert: bool) -> Result<Option<Doc>> {
        evaluate::check(update)?;
        match self.change_one(spec, filter, update, upsert).await {
            // Somebody else made it in the same moment: now it is there to be changed.
            Err(StoreError::Duplicate(_)) if upsert => self.change_one(spec, filter, update, upsert).await,
            done => done,
        }
    }

    async fn update_many(&self, spec: &'static Spec, filter: &Filter, update: &Update) -> Result<u64> {
        evaluate::check(update)?;
        let collection = self.of(spec).await?;
        let done = run(spec.name, collection.update_many(translate::filter(filter), translate::update(update))).await?;
        Ok(done.matched_count)
    }

    async fn delete(&self, spec: &'static Spec, filter: &Filter) -> Result<u64> {
        Ok(run(spec.name, self.of(spec).await?.delete_many(translate::filter(filter))).await?.deleted_count)
    }

    async fn ping(&self) -> Result<()> {
        run("ping", self.database.run_command(doc! {"ping": 1})).await.map(drop)
    }

    async fn collections(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let all = run("all", self.database.list_collection_names()).await?;
        for name in all.into_iter().filter(|name| !name.starts_with("system.")) {
            if run(&name, self.database.collection::<RawDocumentBuf>(&name).find_one(doc! {})).await?.is_some() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    async fn dump(&self, collection: &str) -> Result<Vec<Doc>> {
        let from: Raw = self.database.collection(collection);
        let raw: Vec<_> = run(collection, async { from.find(doc! {}).await?.try_collect().await }).await?;
        raw.iter().map(|raw| exact::taken_apart(raw)).collect()
    }

    async fn load(&self, collection: &str, docs: Vec<Doc>) -> Result<()> {
        let into: Raw = self.database.collection(collection);
        for docs in docs.chunks(CHUNK) {
            let docs = docs.iter().map(exact::raw).collect::<Result<Vec<_>>>()?;
            run(collection, into.insert_many(docs)).await?;
        }
        Ok(())
    }
}
