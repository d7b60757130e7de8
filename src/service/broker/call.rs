//! One request to a broker, with limits on what comes back.

use std::time::Duration;

use reqwest::{
    Method, RequestBuilder, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap},
};
use serde::de::DeserializeOwned;

use super::{Asker, Broker, CHANGE, fault::Fault, payload::Payload};
use crate::{
    error::Result,
    lenient::Lenient,
    outgoing::{self, reason},
};

/// Bytes of an answer at most.
const MOST: usize = 1 << 20;
/// As much of a refusal as its error repeats.
const SHOWN: usize = 4096;

/// What is asked.
pub struct Request<'a> {
    pub method: Method,
    /// Segments of the path.
    pub path: &'a [&'a str],
    pub payload: Option<&'a Payload>,
    pub asker: Option<&'a Asker>,
    /// How long it may take.
    pub patience: Duration,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    body: Vec<u8>,
}

impl Reply {
    pub fn is_ok(&self) -> bool {
        self.status < 300
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, by Go's rules.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let wrong = |e: serde_json::Error| Fault::nonsense(format!("invalid response: {e}"));
        let value: serde_json::Value = serde_json::from_slice(&self.body).map_err(wrong)?;
        T::deserialize(Lenient(value)).map_err(wrong)
    }

    pub fn refusal(&self) -> Fault {
        let shown: String = self.text().chars().take(SHOWN).collect();
        Fault::refused(format!("invalid response: {shown} (code: {})", self.status))
    }
}

/// A request that somebody else made and that the broker is to answer.
#[derive(Debug)]
pub struct Proxied {
    /// Method.
    pub method: Method,
    /// Segments of the path, decoded.
    pub path: Vec<String>,
    /// Query without `?`.
    pub query: String,
    /// Headers that may pass.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Broker<'_> {
    pub(super) async fn call(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let url = self.url(request.path);
        let shown = format!("{} {:?}", capitalised(&request.method), url.as_str());
        let client = self.client.reaching(&url).map_err(|e| Fault::refused(format!("{shown}: {e}")))?;
        let json = self.service.encoding == "json";
        let mut call = self.signed(client.request(request.method.clone(), url), request.asker);
        call = call.header(ACCEPT, "application/json").timeout(request.patience);
        if request.method != Method::GET {
            call = call.header(CONTENT_TYPE, if json { "application/json" } else { "application/x-www-form-urlencoded" });
        }
        if let Some(payload) = request.payload {
            call = call.body(if json { payload.json() } else { payload.form() });
        }
        let response = call.send().await.map_err(|e| failed(&shown, &e))?;
        let status = response.status().as_u16();
        let body = outgoing::body(response, MOST).await.map_err(|e| Fault::nonsense(format!("{shown}: {e}")))?;
        Ok(Reply { status, body })
    }

    /// Passes a request on. The answer is streamed by the caller.
    pub async fn pass(&self, request: Proxied, asker: &Asker) -> Result<Response> {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        let mut url = self.url(&path);
        url.set_query((!request.query.is_empty()).then_some(&request.query));
        let client = self.client.reaching(&url)?;
        let shown = format!("{} {:?}", capitalised(&request.method), url.as_str());
        let call = client.request(request.method, url).headers(request.headers).timeout(CHANGE).body(request.body);
        self.signed(call, Some(asker)).send().await.map_err(|e| failed(&shown, &e).into())
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn signed(&self, mut call: RequestBuilder, asker: Option<&Asker>) -> RequestBuilder {
        let name = if self.service.username.is_empty() { &self.service.name } else { &self.service.username };
        call = call.basic_auth(name, Some(self.service.password.expose())).headers(self.client.request_headers());
        if let Some(asker) = asker {
            call = call.header("X-Tsuru-User", &asker.user);
            if !asker.event.is_empty() {
                call = call.header("X-Tsuru-Eventid", &asker.event);
            }
        }
        call.headers(self.about.clone())
    }
}

/// Only what failed before a connection was there is known not to have been done.
fn failed(shown: &str, e: &reqwest::Error) -> Fault {
    let text = format!("{shown}: {}", reason(e));
    if e.is_connect() || e.is_builder() { Fault::refused(text) } else { Fault::nonsense(text) }
}

/// `Post`, as Go's client writes it.
fn capitalised(method: &Method) -> String {
    let (first, rest) = method.as_str().split_at(1);
    format!("{first}{}", rest.to_ascii_lowercase())
}
