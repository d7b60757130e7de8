//! Many clients of several servers change one app: nothing that was acknowledged is lost.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;

use super::{Replicas, each_says};
use crate::server::Server;

/// Of each server, unless `IMPAAS_CLIENTS` says how many: they wait for each other.
const CLIENTS: usize = 16;

/// Sets a variable, as a client that is told to try again does.
async fn set(server: &Server, name: &str) {
    let form = [("Envs.0.Name", name), ("Envs.0.Value", "set"), ("NoRestart", "true")];
    loop {
        let (status, text) = server.send(server.request(Method::POST, "/1.0/apps/many/env").form(&form)).await;
        if status == 200 && !text.contains("\"Error\":\"") {
            return;
        }
        assert!(status == 503 || text.contains("event locked"), "{status} {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_servers_whose_clients_all_change_one_app_no_acknowledged_change_is_lost() {
    let Some(replicas) = Replicas::start(3, "").await else { return };
    replicas.all[0].create_app("many", "static").await;
    let count = std::env::var("IMPAAS_CLIENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(CLIENTS);
    let names = |at: usize| (0..count).map(move |client| format!("SET_{at}_{client}"));
    let clients =
        replicas.all.iter().enumerate().flat_map(|(at, server)| names(at).map(move |name| async move { set(server, &name).await }));
    join_all(clients).await;
    let expected: BTreeSet<String> = (0..3).flat_map(names).collect();
    for variables in each_says(&replicas.all, "/1.0/apps/many/env").await {
        let all = variables.as_array().unwrap().iter().filter_map(|variable| variable["name"].as_str());
        let found: BTreeSet<String> = all.filter(|name| name.starts_with("SET_")).map(str::to_owned).collect();
        assert_eq!(found, expected);
    }
    replicas.remove().await;
}
