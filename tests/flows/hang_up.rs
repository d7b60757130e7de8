//! Clients that go away.

use reqwest::Method;
use serde_json::Value;

use super::gate::Gate;
use crate::server::{PATIENCE, Server, eventually};

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_its_deploy() {
    let server = Server::start().await;
    let gate = Gate::new().await;
    server.create_app("slow", "python").await;
    let (client, waiting) = gate.deploy(&server, "slow", &gate.app(&[("index.html", "here")])).await;
    client.abort();
    assert!(client.await.is_err(), "the client is gone before its deploy ends");
    waiting.let_through().await;
    server.wait_for("slow", "/", "here").await;
    eventually("the deploy is recorded as done", PATIENCE, || async {
        let running = server.json("/1.1/events?running=true&kindname=app.deploy").await;
        running.as_array().is_none_or(Vec::is_empty)
    })
    .await;
    let deploys = server.json("/1.0/deploys?app=slow").await;
    assert_eq!((deploys.as_array().map(Vec::len), &deploys[0]["Error"]), (Some(1), &Value::from("")), "{deploys}");
    server.form(Method::DELETE, "/1.0/apps/slow", &[]).await;
}
