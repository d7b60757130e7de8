//! The recorded database in a store.

use std::{collections::BTreeMap, sync::Arc};

use bson::{Bson, DateTime, Document};
use impaas::store::{Backend, Key, Sealer, Store, sqlite::Sqlite};

use crate::api::harness::Server;

pub const ADMIN: &str = "admin@example.com";
pub const PASSWORD: &str = "admin123";
/// The session of the recorded admin.
pub const SESSION: &str = "a203d13a39a169e7522124234e22c36ee5cdf91a";
/// The recorded admin's API key.
pub const API_KEY: &str = "923c5f7290640c764530ccf95957ce0ebb4019fe55cf7baad04c7b69613675d6";
/// The recorded team token.
pub const TEAM_TOKEN: &str = "466c9aea5cbdf940c1ea525da95bffd260d1301d99e5ca40b9b1ca3621332a53";

/// Relaxed JSON does not tell how wide a number was; tsuru writes these with 64 bits.
const LONG: [&str; 6] = ["memory", "deploys", "expires", "filesize", "apikey_usage_counter", "activedeadlineseconds"];

/// The recorded documents; what would have run out by now has not.
pub fn recorded() -> Vec<(String, Vec<Document>)> {
    let all: BTreeMap<String, Vec<Document>> = serde_json::from_str(include_str!("database.json")).unwrap();
    all.into_iter().map(|(name, docs)| (name, docs.into_iter().map(|doc| fresh(widths(doc))).collect())).collect()
}

fn fresh(mut doc: Document) -> Document {
    for field in ["creation", "expires_at"] {
        if doc.contains_key(field) {
            doc.insert(field, DateTime::from_millis(DateTime::now().timestamp_millis() + 3_600_000));
        }
    }
    // No provisioner is there in these tests; the empty name is the pool's default one.
    if doc.get_str("provisioner").is_ok() {
        doc.insert("provisioner", "");
    }
    doc
}

fn widths(doc: Document) -> Document {
    doc.into_iter().map(|(name, value)| (name.clone(), width(&name, value))).collect()
}

fn width(name: &str, value: Bson) -> Bson {
    match value {
        Bson::Document(inner) => widths(inner).into(),
        Bson::Array(items) => items.into_iter().map(|item| width("", item)).collect::<Vec<_>>().into(),
        Bson::Int32(n) if LONG.contains(&name) => i64::from(n).into(),
        Bson::Int64(n) if !LONG.contains(&name) => i32::try_from(n).unwrap().into(),
        other => other,
    }
}

/// The recorded database on the embedded store, as tsuru left it.
pub async fn database() -> Arc<dyn Backend> {
    let backend = Arc::new(Sqlite::in_memory().unwrap());
    fill(backend.as_ref()).await;
    backend
}

/// The recorded documents into an empty backend.
pub async fn fill(backend: &dyn Backend) {
    for (name, docs) in recorded() {
        backend.load(&name, docs).await.unwrap();
    }
}

/// A server of ours on a database that is tsuru's too.
pub async fn sharing(backend: Arc<dyn Backend>) -> Server {
    let store = Store::new(backend, Sealer::shared(Key::new([7; 32]))).with_hash_cost(4);
    Server::on(store).await
}

/// A server of ours on a sealed database.
pub async fn sealed(backend: Arc<dyn Backend>, key: Key) -> Server {
    Server::on(Store::new(backend, Sealer::new(key))).await
}

/// One document by a field.
pub async fn one(backend: &dyn Backend, collection: &str, field: &str, value: &str) -> Document {
    let docs = backend.dump(collection).await.unwrap();
    docs.into_iter().find(|doc| doc.get_str(field).is_ok_and(|it| it == value)).unwrap_or_else(|| panic!("no {value} in {collection}"))
}
