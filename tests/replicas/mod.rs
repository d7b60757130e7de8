//! Several servers on one MongoDB: each of them real, where `MONGODB_URL` names a server.

mod away;
pub mod link;
mod sight;
mod writers;

use std::io::Write;

use bson::{Document, doc};
use futures_util::future::join_all;
use impaas::store::{Backend, mongo::Mongo};
use reqwest::Method;
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::{
    server::Server,
    store::{mongodb_url, say},
};

/// What seals the secrets of all of them.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Servers that share a database of their own.
pub struct Replicas {
    pub all: Vec<Server>,
    settings: NamedTempFile,
    /// Where the database is, past anything that stands before it.
    url: String,
    database: String,
}

impl Replicas {
    /// So many, with these settings besides. `None` where there is no MongoDB.
    pub async fn start(count: usize, settings: &str) -> Option<Self> {
        let url = mongodb_url()?;
        Some(Self::reaching(&url, &url, count, settings).await)
    }

    /// The same, which reach the database at `url` as `reached`.
    pub async fn reaching(url: &str, reached: &str, count: usize, settings: &str) -> Self {
        let database = format!("impaas_replicas_{:016x}", rand::random::<u64>());
        let mut file = NamedTempFile::new().unwrap();
        write!(file, "database: {{url: '{reached}', name: {database}, key: '{KEY}'}}\n{settings}").unwrap();
        let mut replicas = Self { all: Vec::new(), settings: file, url: url.to_owned(), database };
        // The first one makes the admin, and what else a first start makes.
        let mut first = replicas.stopped();
        first.start_again().await;
        first.log_in().await;
        replicas.all.push(first);
        for _ in 1..count {
            let mut another = replicas.another();
            another.start_again().await;
            replicas.all.push(another);
        }
        replicas
    }

    /// One more, which does not run yet.
    pub fn another(&self) -> Server {
        let mut server = self.stopped();
        server.token = self.all[0].token.clone();
        server
    }

    fn stopped(&self) -> Server {
        Server::stopped(&["--config", self.settings.path().to_str().unwrap()])
    }

    async fn documents(&self) -> Mongo {
        Mongo::connect(&self.url, &self.database).await.unwrap()
    }

    /// Every document of a collection.
    pub async fn stored(&self, collection: &str) -> Vec<Document> {
        self.documents().await.dump(collection).await.unwrap()
    }

    /// Marks a user as disabled, as operators do: there is no request for it.
    pub async fn disable(&self, email: &str) {
        let users = mongodb::Client::with_uri_str(&self.url).await.unwrap().database(&self.database).collection::<Document>("users");
        users.update_one(doc! {"email": email}, doc! {"$set": {"disabled": true}}).await.unwrap();
    }

    /// Ends all of them and removes the database.
    pub async fn remove(mut self) {
        for server in &mut self.all {
            if server.is_running() {
                server.kill();
            }
        }
        let client = mongodb::Client::with_uri_str(&self.url).await.unwrap();
        client.database(&self.database).drop().await.unwrap();
    }
}

/// Asks all of these servers the same thing at once.
pub async fn each_says(servers: &[Server], path: &str) -> Vec<Value> {
    join_all(servers.iter().map(|server| server.json(path))).await
}

/// The event of a deploy that runs, as this server sees it.
pub async fn event_of(server: &Server, app: &str) -> Option<String> {
    let path = format!("/1.1/events?running=true&kindname=app.deploy&target.type=app&target.value={app}");
    let (status, text) = server.send(server.request(Method::GET, &path)).await;
    let events: Value = if status == 200 { serde_json::from_str(&text).unwrap() } else { Value::Null };
    events[0]["UniqueID"].as_str().map(str::to_owned)
}

#[test]
fn skipped_replicas_are_said_loudly() {
    if mongodb_url().is_none() {
        say("Replicas on one MongoDB: SKIPPED, MONGODB_URL is not set");
    }
}
