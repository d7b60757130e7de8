//! A store that tells what was written to it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bson::Document as Doc;
use impaas::store::{Backend, Filter, Find, Spec, Update, sqlite::Sqlite};

type Result<T> = impaas::store::Result<T>;

/// SQLite in memory, and the collections written since the last look.
pub struct Watched {
    inner: Sqlite,
    written: Mutex<BTreeMap<&'static str, &'static Spec>>,
}

impl Watched {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { inner: Sqlite::in_memory().unwrap(), written: Mutex::default() })
    }

    /// What was written since the last look.
    pub fn written(&self) -> BTreeMap<&'static str, &'static Spec> {
        std::mem::take(&mut self.written.lock().unwrap())
    }

    /// Everything of every collection.
    pub async fn all(&self) -> BTreeMap<String, Vec<Doc>> {
        let mut all = BTreeMap::new();
        for name in self.inner.collections().await.unwrap() {
            let docs = self.inner.dump(&name).await.unwrap();
            all.insert(name, docs);
        }
        all
    }

    /// Makes a collection that holds `now` hold `first` again.
    pub async fn put_back(&self, spec: &'static Spec, first: &[Doc], now: &[Doc]) {
        let id = |doc: &Doc| doc.get("_id").cloned().unwrap();
        for doc in now.iter().filter(|doc| !first.contains(doc)) {
            self.inner.delete(spec, &Filter::Eq("_id".into(), id(doc))).await.unwrap();
        }
        let missing = first.iter().filter(|doc| !now.contains(doc)).cloned().collect();
        self.inner.load(spec.name, missing).await.unwrap();
    }

    fn wrote(&self, spec: &'static Spec, count: u64) {
        if count > 0 {
            self.written.lock().unwrap().insert(spec.name, spec);
        }
    }
}

/// When a token was last used is noted for every request, also for one that is refused.
fn is_note(update: &Update) -> bool {
    update.set.iter().all(|(path, _)| path.ends_with("last_access")) && !update.set.is_empty()
}

#[async_trait]
impl Backend for Watched {
    async fn ensure(&self, spec: &'static Spec) -> Result<()> {
        self.inner.ensure(spec).await
    }

    async fn find(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<Doc>> {
        self.inner.find(spec, filter, find).await
    }

    async fn count(&self, spec: &'static Spec, filter: &Filter) -> Result<u64> {
        self.inner.count(spec, filter).await
    }

    async fn distinct(&self, spec: &'static Spec, path: &'static str) -> Result<Vec<String>> {
        self.inner.distinct(spec, path).await
    }

    async fn insert(&self, spec: &'static Spec, doc: Doc) -> Result<()> {
        self.inner.insert(spec, doc).await?;
        self.wrote(spec, 1);
        Ok(())
    }

    async fn update_one(&self, spec: &'static Spec, filter: &Filter, update: &Update, upsert: bool) -> Result<Option<Doc>> {
        let changed = self.inner.update_one(spec, filter, update, upsert).await?;
        self.wrote(spec, u64::from(changed.is_some() && !is_note(update)));
        Ok(changed)
    }

    async fn update_many(&self, spec: &'static Spec, filter: &Filter, update: &Update) -> Result<u64> {
        let count = self.inner.update_many(spec, filter, update).await?;
        self.wrote(spec, count);
        Ok(count)
    }

    async fn delete(&self, spec: &'static Spec, filter: &Filter) -> Result<u64> {
        let count = self.inner.delete(spec, filter).await?;
        self.wrote(spec, count);
        Ok(count)
    }

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }

    async fn collections(&self) -> Result<Vec<String>> {
        self.inner.collections().await
    }

    async fn dump(&self, collection: &str) -> Result<Vec<Doc>> {
        self.inner.dump(collection).await
    }

    async fn load(&self, collection: &str, docs: Vec<Doc>) -> Result<()> {
        self.inner.load(collection, docs).await
    }
}
