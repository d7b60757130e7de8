//! One suite for both backends: what SQLite does must be what MongoDB does. MongoDB is tested where `MONGODB_URL` names a server.

mod away;
mod generated;
mod model;
mod operators;
mod sealed;
mod shared;
mod transfer;
mod unique;
mod updates;
mod writers;

use std::{
    env,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bson::{Bson, Document};
use impaas::store::{Backend, Filter, Find, Index, IndexKey, Spec, mongo::Mongo, sqlite::Sqlite};

/// The collection of most tests: indexes of every kind that tsuru's collections have.
pub static THINGS: Spec = Spec {
    name: "things",
    indexes: &[
        Index { keys: &[IndexKey("name", false)], unique: true, sparse: true },
        Index { keys: &[IndexKey("lock", false)], unique: true, sparse: true },
        Index { keys: &[IndexKey("kind", false), IndexKey("at", true)], unique: false, sparse: false },
        Index { keys: &[IndexKey("tags", false)], unique: false, sparse: false },
        Index { keys: &[IndexKey("targets.value", false), IndexKey("at", true)], unique: false, sparse: false },
    ],
    sealed: &[],
};

/// An empty store of either kind; what it has in the file system or on a server goes with it.
pub struct Empty {
    pub name: &'static str,
    pub backend: Arc<dyn Backend>,
    mongo: Option<(String, String)>,
}

impl Empty {
    /// The database's name, on a server.
    pub fn database(&self) -> &str {
        self.mongo.as_ref().map_or("", |(_, database)| database)
    }

    pub async fn remove(self) {
        if let Some((url, database)) = self.mongo {
            let client = mongodb::Client::with_uri_str(url).await.unwrap();
            client.database(&database).drop().await.unwrap();
        }
    }
}

/// The server that `MONGODB_URL` names.
pub fn mongodb_url() -> Option<String> {
    env::var("MONGODB_URL").ok().filter(|url| !url.is_empty())
}

/// A database of this name on the server, for a test of its own.
pub async fn mongo(url: &str) -> Empty {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let database = format!("impaas_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let backend = Arc::new(Mongo::connect(url, &database).await.unwrap());
    Empty { name: "mongodb", backend, mongo: Some((url.to_owned(), database)) }
}

pub fn sqlite() -> Empty {
    Empty { name: "sqlite", backend: Arc::new(Sqlite::in_memory().unwrap()), mongo: None }
}

/// Every backend that can be tested here, empty.
pub async fn backends() -> Vec<Empty> {
    let mut all = vec![sqlite()];
    if let Some(url) = mongodb_url() {
        all.push(mongo(&url).await);
    }
    all
}

/// The `_id`s of what a filter finds, sorted.
pub async fn ids(backend: &dyn Backend, filter: &Filter) -> Vec<i32> {
    let docs = backend.find(&THINGS, filter, &Find::default()).await.unwrap_or_else(|e| panic!("{filter:?}: {e}"));
    let mut ids: Vec<_> = docs.iter().map(|doc| doc.get_i32("_id").unwrap()).collect();
    ids.sort_unstable();
    ids
}

/// A document with its keys in order at the top, where MongoDB's order of new keys depends on its version.
pub fn sorted(doc: Document) -> Document {
    let mut pairs: Vec<(String, Bson)> = doc.into_iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs.into_iter().collect()
}

/// Past the capture of cargo, so that it is seen when all is well.
pub fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

#[test]
fn a_skipped_mongodb_is_said_loudly() {
    if mongodb_url().is_none() {
        say("MongoDB conformance: SKIPPED, MONGODB_URL is not set");
    }
}
