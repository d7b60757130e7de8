//! What passes through the app router.

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::server::{Server, archive};

const EDGE: &str = include_str!("apps/edge.py");

#[tokio::test]
async fn a_websocket_echoes_through_the_app_router() {
    let server = edge().await;
    let mut request = format!("ws://127.0.0.1:{}/ws", server.apps_port()).into_client_request().expect("a request");
    request.headers_mut().insert("Host", format!("edge.localhost:{}", server.apps_port()).parse().expect("a header"));
    let (mut socket, _) = connect_async(request).await.expect("an upgrade");
    for text in ["one", "two", "three"] {
        socket.send(Message::text(text)).await.expect("sent");
        let echo = socket.next().await.expect("an echo").expect("a frame");
        assert_eq!(echo, Message::text(text));
    }
    socket.close(None).await.expect("closed");
}

#[tokio::test]
async fn a_stream_arrives_piece_by_piece() {
    let server = edge().await;
    let mut answer = server.at_app("edge", "/stream").send().await.expect("an answer");
    let first = answer.chunk().await.expect("a chunk").expect("not the end");
    assert_eq!(&first[..], b"first\n", "the first piece comes before the last one is made");
    server.wait_for("edge", "/release", "released").await;
    let mut rest = Vec::new();
    while let Some(chunk) = answer.chunk().await.expect("a chunk") {
        rest.extend_from_slice(&chunk);
    }
    assert_eq!(rest, b"last\n");
}

#[tokio::test]
async fn a_large_upload_of_unknown_length_reaches_the_app() {
    let server = edge().await;
    let pieces = (0..64).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 65_536]));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let request = server.at_app("edge", "/").build().expect("a request");
    let host = request.headers().get("Host").expect("a host").clone();
    let upload = server.http.request(Method::POST, request.url().clone()).header("Host", host).body(body);
    assert_eq!(server.send(upload).await, (200, format!("{} bytes\n", 64 * 65_536)));
}

#[tokio::test]
async fn an_app_sees_the_host_it_was_asked_by_and_who_asked() {
    let server = edge().await;
    let (_, headers) = server.ask("edge", "/").await;
    let headers = headers.to_lowercase();
    assert!(headers.contains(&format!("host: edge.localhost:{}", server.apps_port())), "{headers}");
    assert!(headers.contains("x-forwarded-for: 127.0.0.1") && headers.contains("x-forwarded-proto: http\n"), "{headers}");
}

#[tokio::test]
async fn an_unknown_host_is_told_so() {
    let server = Server::start().await;
    let (status, text) = server.ask("no-such-app", "/").await;
    assert_eq!(status, 404, "{text}");
}

async fn edge() -> Server {
    let server = Server::start().await;
    server.create_app("edge", "python").await;
    server.deploy("edge", &archive::of_files(&[("app.py", EDGE), ("Procfile", "web: python3 app.py\n")])).await;
    server
}
