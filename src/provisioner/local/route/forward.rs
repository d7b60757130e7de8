//! One request on its way to a unit and back.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri, Version,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
    upgrade::{OnUpgrade, on},
};
use hyper_util::rt::TokioIo;

use super::{
    Body,
    backend::{Backend, Busy, Target},
    files,
    listen::Gate,
    text,
};

/// Units tried for one request.
const TRIES: usize = 4;
/// Before the same unit is tried again.
const PAUSE: Duration = Duration::from_millis(25);
/// Headers that concern one connection only.
const HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Answers one request.
pub async fn answer(gate: &Gate, peer: SocketAddr, mut request: Request<Incoming>) -> Response<Body> {
    let host = host(&request);
    let upgrade = request.headers().contains_key(header::UPGRADE).then(|| on(&mut request));
    let (mut parts, body) = request.into_parts();
    prepare(&mut parts, &host, peer, upgrade.is_some());
    let body = Kept::new(body);
    let mut tried: Vec<Arc<Backend>> = Vec::new();
    for attempt in 0..TRIES {
        let Some(route) = gate.table.find(&host) else { return unknown(gate, &host) };
        let Some((backend, busy)) = route.pick(&tried).or_else(|| route.pick(&[])) else {
            return text(StatusCode::SERVICE_UNAVAILABLE, &route.absent);
        };
        let address = match &backend.target {
            Target::Files(root) => return files::answer(root, &parts, busy).await,
            Target::Port(address) => *address,
        };
        match gate.client.request(towards(address, &parts, &body)).await {
            Ok(response) => return back(response, busy, upgrade),
            Err(e) if attempt + 1 < TRIES && may_repeat(&e, &parts, &body) => {
                drop(busy);
                if tried.iter().any(|one| Arc::ptr_eq(one, &backend)) {
                    tokio::time::sleep(PAUSE).await;
                }
                tried.push(backend);
            }
            Err(e) if e.is_connect() => break,
            Err(_) => return text(StatusCode::BAD_GATEWAY, &format!("app {:?} closed the connection without an answer", route.app)),
        }
    }
    text(StatusCode::BAD_GATEWAY, "the app does not accept connections: is it listening on $PORT?")
}

/// The host asked for; in an absolute request target it wins over the header.
fn host(request: &Request<Incoming>) -> String {
    let header = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    request.uri().authority().map(|authority| authority.as_str()).or_else(header).unwrap_or_default().to_owned()
}

fn unknown(gate: &Gate, host: &str) -> Response<Body> {
    let known = format!("apps answer at http://APP.localhost:{}/ and at the names added with `tsuru cname add`", gate.port);
    let shown: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-:*[]_".contains(*c)).take(100).collect();
    text(StatusCode::NOT_FOUND, &format!("no app answers to the name \"{shown}\": {known}"))
}

/// The head as the unit gets it.
fn prepare(parts: &mut Parts, host: &str, peer: SocketAddr, upgrade: bool) {
    let protocol = parts.headers.get(header::UPGRADE).cloned().filter(|_| upgrade);
    strip(&mut parts.headers);
    if let Some(protocol) = protocol {
        parts.headers.insert(header::UPGRADE, protocol);
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    let before = parts.headers.get("x-forwarded-for").and_then(|chain| chain.to_str().ok());
    let chain = before.map_or_else(|| peer.ip().to_string(), |before| format!("{before}, {}", peer.ip()));
    for (name, value) in [("x-forwarded-for", chain.as_str()), ("x-forwarded-host", host), ("x-forwarded-proto", "http")] {
        if let Ok(value) = HeaderValue::from_str(value) {
            parts.headers.insert(name, value);
        }
    }
    if let Ok(host) = HeaderValue::from_str(host) {
        parts.headers.insert(header::HOST, host);
    }
    parts.version = Version::HTTP_11;
}

/// Drops what concerns one connection only, also what `Connection` names.
fn strip(headers: &mut HeaderMap) {
    let listed = headers.get_all(header::CONNECTION).iter().filter_map(|list| list.to_str().ok());
    let named: Vec<HeaderName> = listed.flat_map(|list| list.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

fn towards(address: SocketAddr, parts: &Parts, body: &Kept) -> Request<Body> {
    let mut request = Request::new(body.copy().boxed_unsync());
    *request.method_mut() = parts.method.clone();
    *request.headers_mut() = parts.headers.clone();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let builder = Uri::builder().scheme("http").authority(address.to_string()).path_and_query(path);
    *request.uri_mut() = builder.build().unwrap_or_default();
    request
}

/// Nothing of it reached the unit, or it may reach a unit twice and no body is lost.
fn may_repeat(error: &hyper_util::client::legacy::Error, parts: &Parts, body: &Kept) -> bool {
    let idempotent = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE);
    body.is_whole() && (error.is_connect() || (idempotent && body.empty))
}

fn back(mut response: Response<Incoming>, busy: Busy, upgrade: Option<OnUpgrade>) -> Response<Body> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client) = upgrade
    {
        tokio::spawn(splice(client, on(&mut response), busy));
        return response.map(|_| http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync());
    }
    strip(response.headers_mut());
    response.map(|body| Counted { body, _busy: busy }.boxed_unsync())
}

/// Bytes both ways until one side ends.
async fn splice(client: OnUpgrade, unit: OnUpgrade, busy: Busy) {
    if let (Ok(client), Ok(unit)) = tokio::join!(client, unit) {
        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(unit)).await;
    }
    drop(busy);
}

/// A request's body that stays here until a unit really takes it.
struct Kept {
    body: Arc<Mutex<Option<Incoming>>>,
    hint: SizeHint,
    empty: bool,
}

impl Kept {
    fn new(body: Incoming) -> Self {
        let (hint, empty) = (body.size_hint(), body.is_end_stream());
        Self { body: Arc::new(Mutex::new(Some(body))), hint, empty }
    }

    fn copy(&self) -> Lent {
        Lent { from: self.body.clone(), taken: None, hint: self.hint, empty: self.empty }
    }

    fn is_whole(&self) -> bool {
        self.empty || self.body.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

struct Lent {
    from: Arc<Mutex<Option<Incoming>>>,
    taken: Option<Incoming>,
    hint: SizeHint,
    empty: bool,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.taken.is_none() {
            let taken = self.from.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.taken = taken;
        }
        match &mut self.taken {
            Some(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.taken.as_ref().map_or(self.empty, HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.taken.as_ref().map_or_else(|| self.hint, HttpBody::size_hint)
    }
}

/// A response that counts as under way until its last byte.
struct Counted {
    body: Incoming,
    _busy: Busy,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
