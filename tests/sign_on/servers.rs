//! Two servers on one store: what one takes away, the other takes away within the second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use impaas::{
    permission::{ContextType, Role},
    server,
    store::{Backend, Filter, Key, Sealer, Store, Update, mongo::Mongo, sqlite::Sqlite},
    user::User,
};

use crate::{
    api::harness::{Reply, Server},
    store::{mongo, mongodb_url},
};

/// What is remembered of a caller is a second old at most; the rest is for a busy machine.
const SECOND: Duration = Duration::from_millis(1000);
const SLACK: Duration = Duration::from_millis(500);

async fn pair(backends: [Arc<dyn Backend>; 2]) -> [Server; 2] {
    let key = Key::random();
    let [one, other] = backends.map(|backend| Store::new(backend, Sealer::new(key.clone())));
    server::ensure_collections(&one).await.unwrap();
    [Server::on(one).await, Server::on(other).await]
}

/// Asks until the caller looks like this; a second must be enough.
async fn within_a_second(server: &Server, token: &str, looks: impl Fn(&Reply) -> bool) {
    let began = Instant::now();
    loop {
        let reply = whoami(server, token).await;
        if looks(&reply) {
            return;
        }
        assert!(began.elapsed() < SECOND + SLACK, "a second later: {reply:?}");
    }
}

async fn whoami(server: &Server, token: &str) -> Reply {
    server.with_token(token).get("/1.0/users/info").send().await
}

fn roles(reply: &Reply) -> usize {
    let seen: serde_json::Value = serde_json::from_str(&reply.text).unwrap();
    seen["Roles"].as_array().unwrap().len()
}

async fn taken_away_at_both(backends: [Arc<dyn Backend>; 2]) {
    let [one, other] = pair(backends).await;
    let ann = one.user_with("ann@uni.example", ContextType::Global, "", &["pool.read", "apikey"]).await.token.unwrap();
    let key = one.with_token(&ann).get("/1.0/users/api-key").send().await.ok(200).json().as_str().unwrap().to_owned();
    let tokens = [&ann, &key];
    for token in tokens {
        assert_eq!(roles(&whoami(&one, token).await), 1);
        assert_eq!(roles(&whoami(&other, token).await), 1);
    }
    one.ctx.store.of::<Role>().delete(Filter::id("role-of-ann")).await.unwrap();
    for token in tokens {
        assert_eq!(roles(&whoami(&one, token).await), 0, "at the next request of the same server");
        within_a_second(&other, token, |reply| roles(reply) == 0).await;
    }
    let disabled = Update::set("disabled", true);
    one.ctx.store.of::<User>().update(Filter::eq("email", "ann@uni.example"), disabled).await.unwrap();
    for token in tokens {
        assert_eq!(whoami(&one, token).await.status, 401, "at the next request of the same server");
        within_a_second(&other, token, |reply| reply.status == 401).await;
    }
}

#[actix_web::test]
async fn a_role_or_a_user_taken_away_is_gone_at_once_here_and_within_a_second_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Backend> { Arc::new(Sqlite::open(dir.path()).unwrap()) };
    taken_away_at_both([open(), open()]).await;
}

#[actix_web::test]
async fn the_same_with_two_servers_on_one_mongodb() {
    let Some(url) = mongodb_url() else { return };
    let first = mongo(&url).await;
    let again: Arc<dyn Backend> = Arc::new(Mongo::connect(&url, first.database()).await.unwrap());
    taken_away_at_both([first.backend.clone(), again]).await;
    first.remove().await;
}
