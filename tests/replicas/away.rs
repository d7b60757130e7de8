//! The database goes away while an app is deployed: others are told to wait, and the deploy ends well.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use reqwest::Method;

use super::{Replicas, link::Link};
use crate::{
    flows::gate::Gate,
    server::{PATIENCE, Server, eventually},
    store::mongodb_url,
};

/// What is asked by people who see and change things.
const ASKED: [(&str, &str); 6] = [
    ("GET", "/1.0/apps"),
    ("GET", "/1.0/apps/held"),
    ("GET", "/1.0/users/info"),
    ("GET", "/1.1/events"),
    ("DELETE", "/1.0/apps/other"),
    ("POST", "/1.0/apps/held/restart"),
];

/// How often each status was answered.
async fn statuses(server: &Server) -> BTreeMap<u16, usize> {
    let asked = ASKED.map(|(method, path)| server.send(server.request(method.parse::<Method>().unwrap(), path)));
    let mut all = BTreeMap::new();
    for (status, _) in join_all(asked).await {
        *all.entry(status).or_default() += 1;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_during_which_the_database_goes_away_ends_well_and_others_are_told_to_wait() {
    let Some(url) = mongodb_url() else { return };
    let link = Link::to(&url).await;
    let replicas = Replicas::reaching(&url, &link.url(), 1, "").await;
    let (server, gate) = (&replicas.all[0], Gate::new().await);
    server.create_app("held", "python").await;
    let (deploy, waiting) = gate.deploy(server, "held", &gate.app(&[])).await;
    link.close();
    eventually("the database is away", PATIENCE, async || statuses(server).await.contains_key(&503)).await;
    assert_eq!(statuses(server).await, BTreeMap::from([(503, ASKED.len())]));
    // What comes next of the deploy has to be written down.
    waiting.let_through().await;
    tokio::time::sleep(away()).await;
    assert_eq!(statuses(server).await, BTreeMap::from([(503, ASKED.len())]));
    assert!(!deploy.is_finished(), "{:?}", deploy.await);
    link.open();
    let (status, text) = deploy.await.unwrap();
    assert!(status == 200 && text.ends_with("\nOK\n"), "{status} {text}");
    assert!(text.contains("through the gate"), "{text}");
    let event = &server.json("/1.1/events?kindname=app.deploy").await[0];
    assert_eq!((&event["Running"], &event["Error"]), (&false.into(), &"".into()), "{event}");
    server.form(Method::POST, "/1.0/apps/held/env", &[("Envs.0.Name", "A"), ("Envs.0.Value", "b"), ("NoRestart", "true")]).await;
    replicas.remove().await;
}

/// How long it stays away once everybody noticed.
fn away() -> Duration {
    let seconds = std::env::var("IMPAAS_STORE_AWAY").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}
