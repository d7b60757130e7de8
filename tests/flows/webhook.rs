//! Calls of webhooks outlive the server: it is killed with -9 before they were made, and while they are made.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::server::{PATIENCE, Server, free_port};

/// A claim of a server that died holds for 15 seconds.
const TAKEN_OVER: Duration = Duration::from_secs(40);

#[tokio::test]
async fn calls_that_were_not_made_before_a_crash_are_made_after_it() {
    let port = free_port();
    let mut server = hooked(port).await;
    let apps = ["one", "two", "three"];
    for app in apps {
        server.create_app(app, "python").await;
        server.kill();
        if app != "three" {
            server.start_again().await;
        }
    }
    let receiver = Receiver::on(port).await;
    server.start_again().await;
    let mut told = Vec::new();
    while told.len() < apps.len() {
        let call = receiver.call(PATIENCE).await;
        told.push(call.about());
        call.answer().await;
        told.sort();
        told.dedup();
    }
    assert_eq!(told, ["one", "three", "two"]);
}

#[tokio::test]
async fn a_call_cut_by_a_crash_is_made_again_with_the_same_identity() {
    let port = free_port();
    let receiver = Receiver::on(port).await;
    let mut server = hooked(port).await;
    server.create_app("cut", "python").await;
    let first = receiver.call(PATIENCE).await;
    server.kill();
    server.start_again().await;
    let second = receiver.call(TAKEN_OVER).await;
    assert_eq!((second.about(), second.header("webhook-id")), ("cut".to_owned(), first.header("webhook-id")));
    assert_eq!(second.event(), first.event());
    second.answer().await;
}

/// A server with a webhook that calls this port when apps are made.
async fn hooked(port: u16) -> Server {
    let mut server = Server::stopped(&["--config", "near.yml"]);
    std::fs::write(server.home().join("near.yml"), "outgoing:\n  allow-private: true\n").expect("the settings are written");
    server.start_again().await;
    server.log_in().await;
    let hook = json!({"name": "hook", "url": format!("http://127.0.0.1:{port}/hook"), "team_owner": "demo",
                      "event_filter": {"kind_names": ["app.create"]}});
    let (status, text) = server.send(server.request(Method::POST, "/1.6/events/webhooks").json(&hook)).await;
    assert_eq!(status, 200, "{text}");
    server
}

/// Whom the webhook calls.
struct Receiver(TcpListener);

impl Receiver {
    async fn on(port: u16) -> Self {
        Self(TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free"))
    }

    /// The next call, not answered yet.
    async fn call(&self, within: Duration) -> Call {
        timeout(within, self.accept()).await.expect("the receiver is called")
    }

    async fn accept(&self) -> Call {
        let (mut stream, _) = self.0.accept().await.expect("a connection");
        let mut text = Vec::new();
        loop {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await.expect("the call can be read");
            assert!(read > 0, "the call broke off: {}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&part[..read]);
            if let Some((head, body)) = String::from_utf8_lossy(&text).split_once("\r\n\r\n") {
                let call = Call { stream, head: head.to_owned(), body: body.to_owned() };
                if call.header("content-length").parse() == Ok(body.len()) {
                    return call;
                }
                stream = call.stream;
            }
        }
    }
}

struct Call {
    stream: TcpStream,
    head: String,
    body: String,
}

impl Call {
    fn header(&self, name: &str) -> String {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).expect("a header")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The app that was made.
    fn about(&self) -> String {
        self.json()["Target"]["Value"].as_str().expect("a name").to_owned()
    }

    fn event(&self) -> Value {
        self.json()["UniqueID"].clone()
    }

    async fn answer(mut self) {
        // A receiver may be called by a server that is killed before it hears the answer.
        drop(self.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await);
    }
}
