//! Stands before the API server and does to requests what networks and busy servers do; says what was asked.

use std::{
    collections::HashSet,
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response,
    body::{Frame, Incoming},
    header::{CONNECTION, CONTENT_LENGTH, HOST, RETRY_AFTER, TRANSFER_ENCODING},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use reqwest::{Certificate, Client};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::Real;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What happens to requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weather {
    Fair,
    /// Every request is refused with this status.
    Refused(u16),
    /// The first request of a kind to a path is refused with this status.
    FirstRefused(u16),
    /// The first change of a kind to a path is made, and its answer is lost.
    FirstAnswerLost,
    /// Changes of paths that hold all of these are forbidden.
    Forbidden([&'static str; 2]),
    /// Nothing is answered.
    Hangs,
    /// Nobody listens, and all connections are gone.
    Away,
}

/// A running proxy; ends with the runtime of its test.
pub struct Proxy {
    state: Arc<State>,
    port: u16,
}

struct State {
    upstream: Client,
    server: String,
    weather: watch::Sender<Weather>,
    /// Of paths that contain a text.
    local: Mutex<Vec<(&'static str, Weather)>>,
    /// A group of kinds, and the one that stands in for it in the cluster.
    groups: Mutex<Option<(String, String)>>,
    /// Counts the times that all connections were cut.
    cuts: watch::Sender<u32>,
    asked: Mutex<Vec<(Method, String)>>,
    /// When something was changed.
    changed: Mutex<Vec<Instant>>,
    met: Mutex<HashSet<(Method, String)>>,
}

impl Proxy {
    pub async fn start(real: &Real) -> Self {
        let authority = Certificate::from_pem(&STANDARD.decode(real.ca()).unwrap()).unwrap();
        let state = State {
            upstream: Client::builder().tls_certs_only([authority]).no_proxy().build().unwrap(),
            server: real.server().to_owned(),
            weather: watch::Sender::new(Weather::Fair),
            local: Mutex::default(),
            groups: Mutex::default(),
            cuts: watch::Sender::new(0),
            asked: Mutex::default(),
            changed: Mutex::default(),
            met: Mutex::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { state: Arc::new(state), port: listener.local_addr().unwrap().port() };
        tokio::spawn(listen(proxy.state.clone(), listener));
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on.
    pub fn set(&self, weather: Weather) {
        self.state.met.lock().unwrap().clear();
        self.state.weather.send_replace(weather);
        if weather == Weather::Away {
            self.cut();
        }
    }

    /// From now on for paths that contain this, whatever happens to others.
    pub fn set_at(&self, part: &'static str, weather: Weather) {
        self.state.local.lock().unwrap().push((part, weather));
    }

    /// Has kinds of a group be those of another one; they cannot be watched.
    pub fn translate(&self, group: &str, other: &str) {
        *self.state.groups.lock().unwrap() = Some((group.into(), other.into()));
    }

    /// Cuts all connections, and with them every watch.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|count| *count += 1);
    }

    /// What was asked since it was taken last, as `GET /api/v1/pods?watch=true`.
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().iter().map(|(method, path)| format!("{method} {path}")).collect()
    }

    /// The longest time between two changes that were asked for since this was taken last.
    pub fn take_longest_pause(&self) -> Duration {
        let times: Vec<Instant> = self.state.changed.lock().unwrap().drain(..).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// The same, and takes it.
    pub fn take_asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().drain(..).map(|(method, path)| format!("{method} {path}")).collect()
    }
}

/// Those that look at something once: watches are not among them, nor what is looked for by itself.
pub fn looks(asked: &[String]) -> Vec<&String> {
    let by_itself = ["watch=true", "/apis/metrics.k8s.io/", "/apis/keda.sh/", "/apis/autoscaling.k8s.io/"];
    asked.iter().filter(|asked| asked.starts_with("GET ") && !by_itself.iter().any(|part| asked.contains(part))).collect()
}

/// Those that change something in the cluster.
pub fn writes(asked: &[String]) -> Vec<&String> {
    asked.iter().filter(|asked| !asked.starts_with("GET ")).collect()
}

async fn listen(state: Arc<State>, first: TcpListener) {
    let (port, mut weather) = (first.local_addr().unwrap().port(), state.weather.subscribe());
    let mut listener = Some(first);
    loop {
        let away = *weather.borrow_and_update() == Weather::Away;
        if away {
            listener = None;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accepted => drop(accepted.map(|(stream, _)| tokio::spawn(serve(state.clone(), stream)))),
            changed = weather.changed() => if changed.is_err() { return },
        }
    }
}

async fn serve(state: Arc<State>, stream: TcpStream) {
    let mut cut = state.cuts.subscribe();
    let service = service_fn(|request| answer(state.clone(), request));
    tokio::select! {
        served = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => drop(served),
        _ = cut.changed() => {}
    }
}

/// An error closes the connection without an answer.
async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let asked = (request.method().clone(), path);
    state.asked.lock().unwrap().push(asked.clone());
    if *request.method() != Method::GET {
        state.changed.lock().unwrap().push(Instant::now());
    }
    let mut weather = state.weather.subscribe();
    let everywhere = *weather.borrow_and_update();
    match state.local_to(&asked.1).unwrap_or(everywhere) {
        Weather::Fair => forward(&state, request).await,
        Weather::Refused(code) => Ok(refusal(code)),
        Weather::FirstRefused(code) if state.is_first(&asked) => Ok(refusal(code)),
        Weather::FirstAnswerLost if *request.method() != Method::GET && state.is_first(&asked) => {
            forward(&state, request).await?.into_body().collect().await?;
            Err(io::Error::other("its answer is lost"))
        }
        Weather::Forbidden(parts) if *request.method() != Method::GET && parts.iter().all(|part| asked.1.contains(part)) => {
            Ok(refusal(403))
        }
        Weather::FirstRefused(_) | Weather::FirstAnswerLost | Weather::Forbidden(_) => forward(&state, request).await,
        Weather::Hangs | Weather::Away => {
            weather.changed().await.ok();
            Err(io::Error::other("never answered"))
        }
    }
}

impl State {
    fn local_to(&self, path: &str) -> Option<Weather> {
        self.local.lock().unwrap().iter().find(|(part, _)| path.contains(part)).map(|(_, weather)| *weather)
    }

    /// Asked with other arguments it is the same.
    fn is_first(&self, (method, path): &(Method, String)) -> bool {
        let path = path.split('?').next().unwrap_or_default().to_owned();
        self.met.lock().unwrap().insert((method.clone(), path))
    }
}

async fn forward(state: &State, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let (mut parts, body) = request.into_parts();
    let mut body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let mut path = parts.uri.to_string();
    let groups = state.groups.lock().unwrap().clone().filter(|(group, _)| path.contains(&format!("/apis/{group}/")));
    if let Some((group, other)) = &groups {
        (path, body) = (path.replace(group, other), replaced(&body, group, other));
    }
    for name in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        parts.headers.remove(name);
    }
    let url = format!("{}{path}", state.server);
    let asking = state.upstream.request(parts.method, url).headers(parts.headers).body(body).send();
    let answer = asking.await.map_err(io::Error::other)?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let mut response = Response::new(match groups {
        Some((group, other)) => whole(replaced(&answer.bytes().await.map_err(io::Error::other)?, &other, &group)),
        None => stream_of(answer.bytes_stream().map_err(io::Error::other)),
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn stream_of(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    BodyExt::boxed_unsync(StreamBody::new(stream.map(|piece| piece.map(Frame::data))))
}

fn replaced(text: &[u8], from: &str, to: &str) -> Bytes {
    String::from_utf8_lossy(text).replace(from, to).into()
}

fn whole(text: Bytes) -> Body {
    BodyExt::boxed_unsync(Full::new(text).map_err(|never: Infallible| match never {}))
}

fn refusal(code: u16) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not now", "code": code});
    let response = Response::builder().status(code).header("content-type", "application/json").header(RETRY_AFTER, "1");
    response.body(whole(status.to_string().into())).unwrap()
}
