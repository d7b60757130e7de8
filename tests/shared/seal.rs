//! `impaasd seal`: from tsuru's database to ours.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bson::{DateTime, Document, doc};
use impaas::{
    seal::{self, Done},
    server,
    store::{
        Backend, Filter, Find, Key, Sealer, Spec, Store, StoreError, Update,
        shared::{self, Owner},
        sqlite::Sqlite,
    },
    user::User,
};

use super::fixture::{ADMIN, API_KEY, PASSWORD, SESSION, TEAM_TOKEN, database, fill, one, sealed};

/// Everything in the recorded database that nobody else may read.
const SECRETS: [&str; 6] = [SESSION, API_KEY, TEAM_TOKEN, "hush", "s3cr3t", "mysqlpass"];

fn key() -> Key {
    Key::new([9; 32])
}

async fn seal(backend: Arc<dyn Backend>, key: Key) -> impaas::error::Result<Done> {
    let owner = shared::owner(backend.as_ref()).await?;
    let store = Store::new(backend, Sealer::new(key).and_opens(self::key()));
    server::ensure_collections(&store).await?;
    seal::seal(&store, &owner).await
}

/// Everything stored, as text.
async fn text(backend: &dyn Backend) -> String {
    let mut all = String::new();
    for name in backend.collections().await.unwrap() {
        all.extend(backend.dump(&name).await.unwrap().iter().map(|doc| format!("{name} {doc}\n")));
    }
    all
}

#[tokio::test]
async fn no_secret_is_left_and_everything_works_as_before() {
    let backend = database().await;
    let before = text(backend.as_ref()).await;
    assert!(SECRETS.iter().all(|secret| before.contains(secret)), "the recorded database holds them");
    let done = seal(backend.clone(), key()).await.unwrap();
    assert_eq!((done.sealed["apps"], done.sealed["services"], done.sealed["users"], done.tokens), (2, 1, 1, 3));
    assert!(done.events > 0);
    let after = text(backend.as_ref()).await;
    for secret in SECRETS {
        let line = after.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is still in {line:?}");
    }
    assert_eq!(shared::owner(backend.as_ref()).await.unwrap(), Owner::Us(Some(key().id().into())));

    let server = sealed(backend, key()).await;
    for token in [SESSION, API_KEY] {
        assert_eq!(server.with_token(token).get("/1.0/users/info").send().await.ok(200).json()["Email"], ADMIN);
    }
    server.with_token(TEAM_TOKEN).get("/1.0/apps/hello").send().await.ok(200);
    let admin = server.with_token(SESSION);
    assert_eq!(admin.get("/1.0/apps/hello/env?env=SECRET").send().await.ok(200).json()[0]["value"], "hush");
    assert_eq!(admin.get("/1.7/tokens/ci-token").send().await.ok(200).json()["token"], TEAM_TOKEN);
}

#[tokio::test]
async fn passwords_become_argon2id_when_they_are_next_used() {
    let backend = database().await;
    seal(backend.clone(), key()).await.unwrap();
    let server = sealed(backend.clone(), key()).await;
    for _ in 0..2 {
        server.nobody().post("/1.0/users/admin@example.com/tokens").form(&[("password", PASSWORD)]).send().await.ok(200);
        assert!(one(backend.as_ref(), "users", "email", ADMIN).await.get_str("password").unwrap().starts_with("$argon2id$"));
    }
}

#[tokio::test]
async fn sealing_again_finds_nothing_to_do() {
    let backend = database().await;
    seal(backend.clone(), key()).await.unwrap();
    let first = text(backend.as_ref()).await;
    assert_eq!(seal(backend.clone(), key()).await.unwrap(), Done::default());
    assert_eq!(text(backend.as_ref()).await, first);
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_old_one() {
    let (backend, new) = (database().await, Key::new([1; 32]));
    seal(backend.clone(), key()).await.unwrap();
    let done = seal(backend.clone(), new.clone()).await.unwrap();
    assert_eq!(done.sealed["apps"], 2);
    assert!(!text(backend.as_ref()).await.contains(key().id()));
    let server = sealed(backend.clone(), new.clone()).await;
    assert_eq!(server.with_token(SESSION).get("/1.0/apps/hello/env?env=SECRET").send().await.ok(200).json()[0]["value"], "hush");
    assert_eq!(shared::owner(backend.as_ref()).await.unwrap(), Owner::Us(Some(new.id().into())));
}

#[tokio::test]
async fn text_that_looks_sealed_is_sealed_too() {
    let backend = database().await;
    let fake = format!("sealed:v1:{}:AAAA", key().id());
    let store = Store::new(backend.clone(), Sealer::clear());
    store.of::<User>().update(Filter::eq("email", "bob@example.com"), Update::set("apikey", &fake)).await.unwrap();
    seal(backend.clone(), key()).await.unwrap();
    let store = Store::new(backend, Sealer::new(key()));
    let bob = store.of::<User>().get(Filter::eq("email", "bob@example.com")).await.unwrap().unwrap();
    assert_eq!(bob.api_key.expose(), fake);
}

#[tokio::test]
async fn it_refuses_while_tsurus_server_is_awake_or_something_runs() {
    static TRACKER: Spec = Spec { name: "tracker", indexes: &[], sealed: &[] };
    let backend = database().await;
    let awake = Update::set("lastupdate", DateTime::now());
    backend.update_one(&TRACKER, &Filter::id("vm"), &awake, false).await.unwrap();
    let refusal = seal(backend.clone(), key()).await.unwrap_err().to_string();
    assert!(refusal.starts_with("tsuru's server on vm was here "), "{refusal}");
    assert_eq!(shared::owner(backend.as_ref()).await.unwrap(), Owner::Tsuru, "nothing was begun");
}

/// A backend that dies at its nth write, as a killed program does.
struct Dying {
    inner: Arc<dyn Backend>,
    writes: AtomicU64,
    last: u64,
}

impl Dying {
    fn write(&self) -> Result<(), StoreError> {
        if self.writes.fetch_add(1, Ordering::SeqCst) >= self.last {
            return Err(StoreError::Away("killed".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Backend for Dying {
    async fn ensure(&self, spec: &'static Spec) -> Result<(), StoreError> {
        self.inner.ensure(spec).await
    }
    async fn find(&self, spec: &'static Spec, filter: &Filter, find: &Find) -> Result<Vec<Document>, StoreError> {
        self.inner.find(spec, filter, find).await
    }
    async fn count(&self, spec: &'static Spec, filter: &Filter) -> Result<u64, StoreError> {
        self.inner.count(spec, filter).await
    }
    async fn distinct(&self, spec: &'static Spec, path: &'static str) -> Result<Vec<String>, StoreError> {
        self.inner.distinct(spec, path).await
    }
    async fn insert(&self, spec: &'static Spec, doc: Document) -> Result<(), StoreError> {
        self.write()?;
        self.inner.insert(spec, doc).await
    }
    async fn update_one(
        &self,
        spec: &'static Spec,
        filter: &Filter,
        update: &Update,
        upsert: bool,
    ) -> Result<Option<Document>, StoreError> {
        self.write()?;
        self.inner.update_one(spec, filter, update, upsert).await
    }
    async fn update_many(&self, spec: &'static Spec, filter: &Filter, update: &Update) -> Result<u64, StoreError> {
        self.write()?;
        self.inner.update_many(spec, filter, update).await
    }
    async fn delete(&self, spec: &'static Spec, filter: &Filter) -> Result<u64, StoreError> {
        self.write()?;
        self.inner.delete(spec, filter).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.inner.collections().await
    }
    async fn dump(&self, collection: &str) -> Result<Vec<Document>, StoreError> {
        self.inner.dump(collection).await
    }
    async fn load(&self, collection: &str, docs: Vec<Document>) -> Result<(), StoreError> {
        self.inner.load(collection, docs).await
    }
}

#[tokio::test]
async fn killed_at_any_write_it_is_finished_by_the_next_run() {
    let mut deaths = 0;
    for last in 0.. {
        let inner = Arc::new(Sqlite::in_memory().unwrap());
        fill(inner.as_ref()).await;
        let dying = Arc::new(Dying { inner: inner.clone(), writes: AtomicU64::new(0), last });
        let first = seal(dying, key()).await;
        if first.is_err() {
            deaths += 1;
            let owner = shared::owner(inner.as_ref()).await.unwrap();
            assert!(matches!(owner, Owner::Tsuru | Owner::Leaving) || last > 1, "write {last}: {owner:?}");
            seal(inner.clone(), key()).await.unwrap();
        }
        let after = text(inner.as_ref()).await;
        assert!(SECRETS.iter().all(|secret| !after.contains(secret)), "write {last}");
        let server = sealed(inner.clone(), key()).await;
        server.with_token(SESSION).get("/1.0/users/info").send().await.ok(200);
        server.with_token(TEAM_TOKEN).get("/1.0/apps/hello").send().await.ok(200);
        if first.is_ok() {
            break;
        }
    }
    assert!(deaths > 10, "only {deaths} writes");
}

#[tokio::test]
async fn documents_keep_what_is_not_secret() {
    let backend = database().await;
    let before = one(backend.as_ref(), "service_instances", "name", "tododb").await;
    let app = one(backend.as_ref(), "apps", "name", "hello").await;
    seal(backend.clone(), key()).await.unwrap();
    assert_eq!(one(backend.as_ref(), "service_instances", "name", "tododb").await, before);
    let mut sealed = one(backend.as_ref(), "apps", "name", "hello").await;
    let mut app = app;
    for secret in ["env", "serviceenvs"] {
        sealed.insert(secret, doc! {});
        app.insert(secret, doc! {});
    }
    assert_eq!(sealed, app);
}
