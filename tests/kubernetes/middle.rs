//! Between a server and the cluster: counts what is asked, and is away, ill or silent when told to.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Passes everything on.
    Well,
    /// Answers with this code.
    Says(u16),
    /// Does not answer.
    Silent,
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The proxy; ends when dropped.
pub struct Proxy {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    _end: DropGuard,
}

struct Inner {
    to: String,
    client: reqwest::Client,
    mood: watch::Sender<Mood>,
    asked: Mutex<Vec<String>>,
}

impl Proxy {
    /// To the API server at this address, whose certificate nobody looks at.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
        let inner = Arc::new(Inner { to: server.into(), client, mood: watch::Sender::new(Mood::Well), asked: Mutex::default() });
        let end = CancellationToken::new();
        tokio::spawn(end.clone().run_until_cancelled_owned(inner.clone().listen(listener)));
        Self { address, inner, _end: end.drop_guard() }
    }

    /// Behaves so from now on; what is streamed breaks.
    pub fn becomes(&self, mood: Mood) {
        self.inner.mood.send_replace(mood);
    }

    /// What was asked since the last time, as `GET /path`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.asked.lock().unwrap())
    }

    /// The same, and it is kept.
    pub fn seen(&self) -> Vec<String> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// What was changed since the last time.
    pub fn written(&self) -> Vec<String> {
        self.asked().into_iter().filter(|asked| !asked.starts_with("GET ")).collect()
    }
}

impl Inner {
    async fn listen(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let inner = self.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request| async { Ok::<_, Infallible>(inner.answer(request).await) });
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let mood = *self.mood.borrow();
        match mood {
            Mood::Well => self.pass(request).await,
            Mood::Says(code) => plain(code),
            // Until it is well again; the caller is long gone then.
            Mood::Silent => {
                self.mood.subscribe().wait_for(|mood| *mood != Mood::Silent).await.ok();
                plain(503)
            }
        }
    }

    async fn pass(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        self.asked.lock().unwrap().push(format!("{} {}", parts.method, parts.uri));
        let Ok(body) = body.collect().await else { return plain(502) };
        let mut headers = parts.headers;
        headers.remove("host");
        let sent = self.client.request(parts.method, format!("{}{}", self.to, parts.uri)).headers(headers).body(body.to_bytes());
        let Ok(answer) = sent.send().await else { return plain(502) };
        let mut passed = Response::builder().status(answer.status());
        for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding" && *name != "content-length") {
            passed = passed.header(name, value);
        }
        let (to, from) = mpsc::channel(16);
        tokio::spawn(stream(answer, self.mood.subscribe(), to));
        passed.body(StreamBody::new(ReceiverStream::new(from).map_ok(Frame::data)).boxed_unsync()).unwrap()
    }
}

/// Passes on what is streamed, until it breaks.
async fn stream(answer: reqwest::Response, mut mood: watch::Receiver<Mood>, to: mpsc::Sender<std::io::Result<Bytes>>) {
    let mut pieces = answer.bytes_stream();
    loop {
        let piece = tokio::select! {
            () = to.closed() => return,
            _ = mood.wait_for(|mood| *mood != Mood::Well) => Err(std::io::Error::other("cut")),
            piece = pieces.next() => match piece {
                Some(piece) => piece.map_err(std::io::Error::other),
                None => return,
            },
        };
        let broken = piece.is_err();
        if to.send(piece).await.is_err() || broken {
            return;
        }
    }
}

fn plain(code: u16) -> Response<Body> {
    let text = http_body_util::Full::new(Bytes::from("away")).map_err(|never| match never {});
    Response::builder().status(code).body(text.boxed_unsync()).unwrap()
}
