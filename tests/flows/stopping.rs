//! A server that is told to stop (SIGTERM) while it is used.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use reqwest::{Client, Method};

use super::gate::Gate;
use crate::server::{PATIENCE, Server, eventually, read};

const CLIENTS: usize = 16;

/// Asks again and again until it is told to connect elsewhere.
async fn ask_until_told_to_go(client: Client, url: String, token: String, answered: Arc<AtomicUsize>) {
    loop {
        let answer = client.get(&url).bearer_auth(&token).send().await.expect("a request is answered");
        let is_told = answer.headers().get("connection").is_some_and(|value| value == "close");
        let (status, text) = read(answer).await;
        assert_eq!(status, 200, "{text}");
        answered.fetch_add(1, Ordering::Relaxed);
        if is_told {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_answers_what_it_is_asked_and_ends_its_deploys() {
    let mut server = Server::start().await;
    let gate = Gate::new().await;
    server.create_app("last", "python").await;
    let (deploy, waiting) = gate.deploy(&server, "last", &gate.app(&[])).await;

    let (url, token) = (server.url("/1.0/apps"), server.token.clone());
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(ask_until_told_to_go(Client::new(), url.clone(), token.clone(), Arc::clone(&answered))))
        .collect();
    eventually("all clients are answered", PATIENCE, async || answered.load(Ordering::Relaxed) > CLIENTS * 10).await;
    server.tell_to_stop();
    for client in join_all(clients).await {
        client.expect("every request is answered");
    }
    assert!(!deploy.is_finished(), "the deploy waits at its gate");
    waiting.let_through().await;
    let (status, text) = deploy.await.unwrap();
    assert!(status == 200 && text.ends_with("\nOK\n"), "{status} {text}");
    server.wait_for_death().await;

    server.start_again().await;
    let event = &server.json("/1.1/events?kindname=app.deploy").await[0];
    assert_eq!((&event["Running"], &event["Error"]), (&false.into(), &"".into()), "{event}");
    server.form(Method::DELETE, "/1.0/apps/last", &[]).await;
}
