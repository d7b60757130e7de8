//! Stores that go away and come back.

use std::{
    env,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use bson::doc;
use impaas::{
    error::Error,
    store::{Backend, Filter, StoreError, mongo::Mongo, sqlite::Sqlite},
};

use super::{THINGS, say};
use crate::server::{free_port, quickly};

/// A wire server of this test, started by the command line in `IMPAAS_MONGO_WIRE`.
struct Wire(Child);

impl Wire {
    fn start(line: &str, port: u16) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line} {port}")]).stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn answers(backend: &dyn Backend) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(e) = backend.ping().await {
        assert!(Instant::now() < deadline, "{e}");
    }
}

#[tokio::test]
async fn a_mongodb_that_goes_away_is_a_503_until_it_is_back() {
    let Some(line) = env::var("IMPAAS_MONGO_WIRE").ok().filter(|line| !line.is_empty()) else {
        return say("MongoDB going away: SKIPPED, IMPAAS_MONGO_WIRE is not set");
    };
    let port = free_port();
    let mongo = Mongo::connect(&format!("127.0.0.1:{port}"), "away").await.unwrap();
    let wire = Wire::start(&line, port);
    answers(&mongo).await;
    mongo.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
    drop(wire);
    quickly("a store that is gone is said", Duration::from_secs(10), async || {
        let gone = mongo.insert(&THINGS, doc! {"_id": 2}).await;
        assert!(matches!(gone, Err(StoreError::Away(_))), "{gone:?}");
        assert!(matches!(mongo.find(&THINGS, &Filter::All, &Default::default()).await.map_err(Error::from), Err(Error::Unavailable(_))));
    })
    .await;
    let _wire = Wire::start(&line, port);
    answers(&mongo).await;
    mongo.insert(&THINGS, doc! {"_id": 3}).await.unwrap();
}

#[tokio::test]
async fn a_mongodb_that_never_was_is_away_soon() {
    let port = free_port();
    let mongo = Mongo::connect(&format!("mongodb://127.0.0.1:{port}"), "never").await.unwrap();
    quickly("a store that never was is said", Duration::from_secs(5), async || {
        assert!(matches!(mongo.ping().await, Err(StoreError::Away(_))));
    })
    .await;
}

#[tokio::test]
async fn a_writer_that_was_held_up_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(dir.path()).unwrap());
    store.insert(&THINGS, doc! {"_id": 1}).await.unwrap();
    let other = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.insert(&THINGS, doc! {"_id": 2}).await }
    });
    assert_eq!(store.count(&THINGS, &Filter::All).await.unwrap(), 1, "reading goes on meanwhile");
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(store.count(&THINGS, &Filter::All).await.unwrap(), 2);
}
