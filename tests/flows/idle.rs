//! Connections that are kept, and not used for a while.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::server::Server;

/// After 5 s servers commonly close what is not used.
const A_WHILE: Duration = Duration::from_secs(7);
/// A stop that goes on with what it is asked lasts one second, and up to 60 where something runs.
const SOON: Duration = Duration::from_secs(20);

async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /healthcheck/ HTTP/1.1\r\nHost: here\r\n\r\n").await.expect("the connection is there");
    let mut said = Vec::new();
    while !said.ends_with(b"WORKING") {
        assert!(stream.read_buf(&mut said).await.unwrap() > 0, "the connection ended after {said:?}");
    }
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_connection_that_is_not_used_for_a_while_is_kept_and_holds_no_stop_up() {
    let mut server = Server::start().await;
    let mut stream = TcpStream::connect(server.url("").trim_start_matches("http://")).await.unwrap();
    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200"));
    let mut said = Vec::new();
    let closed = timeout(A_WHILE, stream.read_buf(&mut said)).await;
    assert!(closed.is_err(), "the server closed a connection that its client was about to use: {closed:?}");
    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200"));

    server.tell_to_stop();
    timeout(SOON, server.wait_for_death()).await.expect("it stops");
    assert_eq!(stream.read_buf(&mut said).await.unwrap(), 0);
}
