//! The tsuru router HTTP API, as a client of it.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    context::Context,
    error::{Error, Result},
    outgoing::{self, Unread},
    secret::Secret,
};

/// As long as tsuru waits for an answer.
const CHANGE: Duration = Duration::from_secs(60);
/// Nobody waits longer for what is only shown.
const LOOK: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
const MOST: usize = 1 << 20;
const JSON: &str = "application/json";
const ROUTER_V2: &str = "application/json; router=v2";

/// A router that can be spoken to.
pub struct Api<'a> {
    ctx: &'a Context,
    name: String,
    base: String,
    headers: HeaderMap,
    /// It wants to know of pool and cluster.
    pub multi_cluster: bool,
}

/// What an app wants of a router.
#[derive(Debug, Serialize)]
pub struct Backend {
    /// Options.
    pub opts: BTreeMap<String, Value>,
    /// Host names.
    pub cnames: Vec<String>,
    /// Its team.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who makes certificates for host names.
    #[serde(rename = "certIssuers", skip_serializing_if = "BTreeMap::is_empty")]
    pub cert_issuers: BTreeMap<String, String>,
    /// Where requests go.
    pub prefixes: Vec<Prefix>,
    /// How to see that it is well.
    pub healthcheck: Health,
}

/// Where requests to one of an app's names go.
#[derive(Debug, Serialize)]
pub struct Prefix {
    /// Before the app's name; empty: the app itself.
    pub prefix: String,
    /// What the router knows the units by.
    pub target: BTreeMap<String, String>,
}

/// A check of health.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Health {
    /// What is asked for.
    pub path: String,
    /// Only connections are tried.
    #[serde(rename = "TCPOnly")]
    pub tcp_only: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Addresses {
    address: String,
    addresses: Vec<String>,
}

/// How an app fares at a router.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    /// `ready`, `not ready`.
    pub status: String,
    /// Why.
    pub detail: String,
}

#[derive(Serialize, Deserialize)]
struct Certificate {
    certificate: String,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    key: String,
}

struct Reply {
    code: u16,
    body: Vec<u8>,
    url: String,
}

/// Refuses a configuration that no router can be reached with.
pub fn check(config: &Map<String, Value>) -> Result<()> {
    let url = config.get("api-url").and_then(Value::as_str).unwrap_or_default();
    Url::parse(url).map_err(|e| Error::refused(format!("config key 'api-url' is not an address: {e}")))?;
    headers(config).map(drop)
}

fn headers(config: &Map<String, Value>) -> Result<HeaderMap> {
    let mut found = HeaderMap::new();
    let entries = match config.get("headers") {
        None | Some(Value::Null) => return Ok(found),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(Error::refused("invalid header configuration: wanted a map")),
    };
    for (name, value) in entries {
        let wrong = || Error::refused(format!("invalid header configuration at key: {name}. Expected string or array of strings"));
        let values: Vec<&Value> = match value {
            Value::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            let text = value.as_str().and_then(|text| HeaderValue::from_str(text).ok()).ok_or_else(wrong)?;
            found.append(HeaderName::from_bytes(name.as_bytes()).ok().ok_or_else(wrong)?, text);
        }
    }
    Ok(found)
}

impl<'a> Api<'a> {
    /// With this configuration.
    pub fn new(ctx: &'a Context, name: &str, config: &Map<String, Value>) -> Result<Self> {
        check(config)?;
        let base = config.get("api-url").and_then(Value::as_str).unwrap_or_default().trim_end_matches('/').to_owned();
        let multi_cluster = config.get("multi-cluster") == Some(&Value::Bool(true));
        Ok(Self { ctx, name: name.into(), base, headers: headers(config)?, multi_cluster })
    }

    /// Has each request say this too.
    #[must_use]
    pub fn also_saying(mut self, more: HeaderMap) -> Self {
        self.headers.extend(more);
        self
    }

    /// Makes the app known, as it is now.
    pub async fn ensure(&self, app: &str, backend: &Backend) -> Result<()> {
        let body = serde_json::to_string(backend).map_err(Error::internal)?;
        let reply = self.ask(Method::PUT, &["backend", app], Some((ROUTER_V2, body)), CHANGE).await?;
        reply.done().map(drop)
    }

    /// Forgets the app; one that is not known is forgotten already.
    pub async fn remove(&self, app: &str) -> Result<()> {
        let reply = self.ask(Method::DELETE, &["backend", app], None, CHANGE).await?;
        if reply.code == 404 { Ok(()) } else { reply.done().map(drop) }
    }

    /// Where the app answers; nothing when it is not known.
    pub async fn addresses(&self, app: &str) -> Result<Vec<String>> {
        let reply = self.ask(Method::GET, &["backend", app], None, LOOK).await?;
        if reply.code == 404 {
            return Ok(Vec::new());
        }
        let found: Addresses = reply.json()?;
        let old = (found.addresses.is_empty() && !found.address.is_empty()).then_some(found.address);
        Ok(found.addresses.into_iter().chain(old).collect())
    }

    /// How the app fares.
    pub async fn status(&self, app: &str) -> Result<Status> {
        self.ask(Method::GET, &["backend", app, "status"], None, LOOK).await?.json()
    }

    /// What its options mean.
    pub async fn info(&self) -> Result<BTreeMap<String, String>> {
        self.ask(Method::GET, &["info"], None, LOOK).await?.json()
    }

    /// True when it takes certificates; one that does not say so does not.
    pub async fn supports_tls(&self) -> bool {
        match self.ask(Method::GET, &["support", "tls"], None, LOOK).await {
            Ok(reply) if reply.code == 200 => true,
            Ok(reply) if reply.code == 404 => false,
            Ok(reply) => {
                tracing::warn!(router = self.name, code = reply.code, "a router does not say whether it takes certificates");
                false
            }
            Err(e) => {
                tracing::warn!(router = self.name, error = %e, "a router does not say whether it takes certificates");
                false
            }
        }
    }

    /// Gives a certificate for a host name.
    pub async fn set_certificate(&self, app: &str, cname: &str, pair: (&str, &Secret)) -> Result<()> {
        let (certificate, key) = pair;
        let body = Certificate { certificate: certificate.into(), key: key.expose().into() };
        let body = serde_json::to_string(&body).map_err(Error::internal)?;
        self.ask(Method::PUT, &["backend", app, "certificate", cname], Some((JSON, body)), CHANGE).await?.done().map(drop)
    }

    /// Takes the certificate of a host name away; false when there was none.
    pub async fn remove_certificate(&self, app: &str, cname: &str) -> Result<bool> {
        let reply = self.ask(Method::DELETE, &["backend", app, "certificate", cname], None, CHANGE).await?;
        if reply.code == 404 { Ok(false) } else { reply.done().map(|_| true) }
    }

    /// The certificate of a host name, when there is one.
    pub async fn certificate(&self, app: &str, cname: &str) -> Result<Option<String>> {
        let reply = self.ask(Method::GET, &["backend", app, "certificate", cname], None, LOOK).await?;
        if reply.code == 404 { Ok(None) } else { reply.json::<Certificate>().map(|found| Some(found.certificate)) }
    }

    async fn ask(&self, method: Method, path: &[&str], body: Option<(&'static str, String)>, patience: Duration) -> Result<Reply> {
        let mut url = Url::parse(&self.base).map_err(Error::internal)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let shown = shown(&url);
        let client = self.ctx.brokers.reaching(&url)?;
        let (kind, body) = body.unwrap_or((JSON, String::new()));
        let failed = |e: Unread| Error::refused(format!("failed to request {shown} - {e}"));
        let headers = self.ctx.brokers.request_headers();
        let call = client.request(method, url).header(CONTENT_TYPE, kind).headers(headers).headers(self.headers.clone());
        let call = call.timeout(patience).body(body);
        let response = call.send().await.map_err(|e| failed(e.into()))?;
        let code = response.status().as_u16();
        let body = outgoing::body(response, MOST).await.map_err(failed)?;
        Ok(Reply { code, body, url: shown })
    }
}

/// Without what may be a password.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    let cleared = shown.set_password(None).and_then(|()| shown.set_username(""));
    if cleared.is_ok() { shown.to_string() } else { "(an address without host)".into() }
}

impl Reply {
    fn done(self) -> Result<Self> {
        if self.code < 300 {
            return Ok(self);
        }
        let said: String = String::from_utf8_lossy(&self.body).chars().take(4096).collect();
        Err(Error::refused(format!("failed to request {} - {} - {said}", self.url, self.code)))
    }

    fn json<T: DeserializeOwned>(self) -> Result<T> {
        let reply = self.done()?;
        let url = reply.url;
        serde_json::from_slice(&reply.body).map_err(|e| Error::refused(format!("failed to request {url} - wrong answer: {e}")))
    }
}
