//! Secrets through the typed store: read in clear, kept sealed, in every file of the database.

use std::{collections::BTreeMap, fs, sync::Arc};

use bson::oid::ObjectId;
use impaas::{
    secret::{Secret, stored},
    store::{Backend, Document, Filter, Key, Sealer, Spec, Store, StoreError, Update, sqlite::Sqlite},
};
use serde::{Deserialize, Serialize};

use super::backends;

const HUSH: &str = "hush-0123456789";

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Var {
    #[serde(serialize_with = "stored")]
    value: Secret,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct App {
    #[serde(rename = "_id", default, skip_serializing_if = "Option::is_none")]
    id: Option<ObjectId>,
    name: String,
    env: BTreeMap<String, Var>,
    serviceenvs: Vec<Var>,
}

impl Document for App {
    const SPEC: &'static Spec = &Spec { name: "apps", indexes: &[], sealed: &["env.*.value", "serviceenvs.*.value"] };
}

fn var() -> Var {
    Var { value: HUSH.into() }
}

fn app() -> App {
    App {
        id: None,
        name: "blog".into(),
        env: [("A".into(), var()), ("B".into(), Var { value: "".into() })].into(),
        serviceenvs: vec![var()],
    }
}

fn store(backend: Arc<dyn Backend>) -> Store {
    Store::new(backend, Sealer::new(Key::new([7; 32])))
}

/// Inserts an app and changes its secrets in every way that is allowed.
async fn use_secrets(store: &Store) -> App {
    let apps = store.of::<App>();
    apps.insert(&app()).await.unwrap();
    let id = apps.get(Filter::eq("name", "blog")).await.unwrap().unwrap().id.unwrap();
    apps.update(Filter::id(id), Update::set("env.C", var())).await.unwrap();
    apps.update(Filter::id(id), Update::set("env.A.value", HUSH).and(Update::push("serviceenvs", var()))).await.unwrap();
    apps.update(Filter::id(id), Update::unset("env.B")).await.unwrap().unwrap()
}

#[tokio::test]
async fn secrets_are_read_as_they_were_written() {
    for empty in backends().await {
        let found = use_secrets(&store(empty.backend.clone())).await;
        assert_eq!(found.env.keys().collect::<Vec<_>>(), ["A", "C"], "{}", empty.name);
        assert!(found.env.values().chain(&found.serviceenvs).all(|var| *var == self::var()), "{}", empty.name);
        assert_eq!(found.serviceenvs.len(), 2, "{}", empty.name);
        for doc in empty.backend.dump("apps").await.unwrap() {
            assert!(!String::from_utf8_lossy(&doc.to_vec().unwrap()).contains(HUSH), "{}", empty.name);
        }
        empty.remove().await;
    }
}

#[tokio::test]
async fn no_file_of_the_database_holds_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(Arc::new(Sqlite::open(dir.path()).unwrap()));
    use_secrets(&store).await;
    let files = || fs::read_dir(dir.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let holds = |text: &str| files().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()));
    assert!(holds("sealed:v1:"), "the write-ahead file is read too");
    assert!(!holds(HUSH));
    drop(store);
    assert!(holds("sealed:v1:") && !holds(HUSH), "nor after it was closed");
}

#[tokio::test]
async fn a_sealed_value_moved_to_another_document_is_a_fault_there() {
    let backend: Arc<dyn Backend> = Arc::new(Sqlite::in_memory().unwrap());
    let store = store(backend.clone());
    let victim = use_secrets(&store).await;
    let stolen = backend.dump("apps").await.unwrap().pop().unwrap().get_document("env").unwrap().get_document("A").unwrap().clone();
    store.of::<App>().insert(&App { name: "thief".into(), env: [].into(), ..app() }).await.unwrap();
    backend.update_one(App::SPEC, &Filter::eq("name", "thief"), &Update::set("env.A", stolen), false).await.unwrap();
    let read = store.of::<App>().get(Filter::eq("name", "thief")).await;
    assert!(matches!(&read, Err(StoreError::Fault(text)) if text.starts_with("apps: env.*.value cannot be opened")), "{read:?}");
    assert_eq!(store.of::<App>().get(Filter::eq("name", "blog")).await.unwrap(), Some(victim));
}

#[tokio::test]
async fn a_shared_database_stays_clear() {
    let backend: Arc<dyn Backend> = Arc::new(Sqlite::in_memory().unwrap());
    use_secrets(&Store::new(backend.clone(), Sealer::clear())).await;
    let doc = backend.dump("apps").await.unwrap().pop().unwrap();
    assert_eq!(doc.get_document("env").unwrap().get_document("A").unwrap().get_str("value").unwrap(), HUSH);
    // Turned on later, what is clear is still read.
    assert_eq!(store(backend).of::<App>().get(Filter::All).await.unwrap().unwrap().env["A"], var());
}
