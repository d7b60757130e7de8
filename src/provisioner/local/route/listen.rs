//! The listener.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{Client, Table, forward};

/// For a request's head, and between two requests of a connection.
const HEAD: Duration = Duration::from_secs(90);
/// Bytes of a request's head.
const HEAD_SIZE: usize = 64 << 10;
/// Headers of a request.
const HEADERS: usize = 128;

/// What requests need.
#[derive(Debug)]
pub struct Gate {
    /// Who answers.
    pub table: Table,
    /// Reaches units.
    pub client: Client,
    /// The port people use, for texts.
    pub port: u16,
}

/// Answers until the end.
pub async fn listen(gate: Arc<Gate>, listener: TcpListener, end: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => drop(tokio::spawn(end.clone().run_until_cancelled_owned(serve(gate.clone(), stream, peer)))),
            // Out of descriptors, mostly: others must end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(gate: Arc<Gate>, stream: TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let gate = gate.clone();
        async move { Ok::<_, Infallible>(forward::answer(&gate, peer, request).await) }
    });
    // A client that goes away or sends nonsense is its own affair.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}
