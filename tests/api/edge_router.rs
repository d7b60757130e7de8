//! A router of its own: speaks the tsuru router HTTP API, and passes requests on by host name as it was told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::double::serve;

#[derive(Default)]
struct State {
    backends: BTreeMap<String, Value>,
    certificates: BTreeMap<(String, String), Value>,
    headers: BTreeMap<String, String>,
    calls: Vec<String>,
    broken: Option<&'static str>,
    no_tls: bool,
    full: bool,
}

/// What it may be told of an app, and in this form only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(rename = "opts")]
    _opts: Map<String, Value>,
    #[serde(rename = "cnames")]
    _cnames: Vec<String>,
    #[serde(default, rename = "team")]
    _team: String,
    #[serde(default, rename = "tags")]
    _tags: Vec<String>,
    #[serde(default, rename = "certIssuers")]
    _issuers: BTreeMap<String, String>,
    #[serde(rename = "prefixes")]
    _prefixes: Vec<ToldPrefix>,
    #[serde(rename = "healthcheck")]
    _health: ToldHealth,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldPrefix {
    #[serde(rename = "prefix")]
    _prefix: String,
    #[serde(rename = "target")]
    _target: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldHealth {
    #[serde(rename = "Path")]
    _path: String,
    #[serde(rename = "TCPOnly")]
    _tcp_only: bool,
}

type Shared = web::Data<Mutex<State>>;

/// The router. It stops with the test's runtime.
pub struct EdgeRouter {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl EdgeRouter {
    pub fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let data = Shared::from(state.clone());
        let url = serve(data, answer);
        Self { url, state }
    }

    /// What it was last told of an app.
    pub fn backend(&self, app: &str) -> Option<Value> {
        self.state.lock().unwrap().backends.get(app).cloned()
    }

    /// What was asked since it was taken last, as `PUT backend/blog`.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// A header of the last call.
    pub fn header(&self, name: &str) -> Option<String> {
        self.state.lock().unwrap().headers.get(name).cloned()
    }

    /// The key of a certificate that it was given.
    pub fn key(&self, app: &str, cname: &str) -> Option<String> {
        let state = self.state.lock().unwrap();
        state.certificates.get(&(app.to_owned(), cname.to_owned())).map(|pair| pair["key"].as_str().unwrap().to_owned())
    }

    /// From now on it refuses to learn of apps.
    pub fn breaks(&self, why: Option<&'static str>) {
        self.state.lock().unwrap().broken = why;
    }

    /// Whether it fails to take certificates from now on, though it says that it takes them.
    pub fn is_full(&self, full: bool) {
        self.state.lock().unwrap().full = full;
    }

    /// It forgets those that it has.
    pub fn loses_certificates(&self) {
        self.state.lock().unwrap().certificates.clear();
    }

    /// From now on it takes no certificates.
    pub fn has_no_tls(&self) {
        self.state.lock().unwrap().no_tls = true;
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, state: Shared) -> HttpResponse {
    let path = request.path().to_owned();
    match path.strip_prefix("/api/") {
        Some(path) => api(&request, path, &body, &state),
        None => pass(&request, &state).await,
    }
}

fn api(request: &HttpRequest, path: &str, body: &[u8], state: &Shared) -> HttpResponse {
    let mut state = state.lock().unwrap();
    state.headers = request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
    state.calls.push(format!("{} {path}", request.method()));
    let parts: Vec<&str> = path.split('/').collect();
    let missing = || HttpResponse::NotFound().body("not found");
    match (request.method().as_str(), parts.as_slice()) {
        ("GET", ["support", "tls"]) if !state.no_tls => HttpResponse::Ok().finish(),
        ("GET", ["info"]) => HttpResponse::Ok().json(json!({"tls-acme": "Certificates by themselves."})),
        ("PUT", ["backend", _]) if state.broken.is_some() => HttpResponse::InternalServerError().body(state.broken.unwrap()),
        ("PUT", ["backend", app]) => {
            assert_eq!(request.headers().get("content-type").unwrap(), "application/json; router=v2");
            if let Err(e) = serde_json::from_slice::<Told>(body) {
                return HttpResponse::BadRequest().body(e.to_string());
            }
            state.backends.insert((*app).into(), serde_json::from_slice(body).unwrap());
            HttpResponse::Ok().finish()
        }
        ("DELETE", ["backend", app]) => state.backends.remove(*app).map_or_else(missing, |_| HttpResponse::Ok().finish()),
        ("GET", ["backend", app]) if state.backends.contains_key(*app) => {
            let own = format!("{app}.edge.example.com");
            HttpResponse::Ok().json(json!({"address": own, "addresses": [own]}))
        }
        ("GET", ["backend", app, "status"]) if state.backends.contains_key(*app) => HttpResponse::Ok().json(json!({"status": "ready"})),
        ("PUT", ["backend", _, "certificate", _]) if state.full => HttpResponse::InternalServerError().body("full"),
        ("PUT", ["backend", app, "certificate", cname]) => {
            state.certificates.insert(((*app).into(), (*cname).into()), serde_json::from_slice(body).unwrap());
            HttpResponse::Ok().finish()
        }
        ("GET", ["backend", app, "certificate", cname]) => match state.certificates.get(&((*app).into(), (*cname).into())) {
            Some(pair) => HttpResponse::Ok().json(json!({"certificate": pair["certificate"]})),
            None => missing(),
        },
        ("DELETE", ["backend", app, "certificate", cname]) => {
            state.certificates.remove(&((*app).into(), (*cname).into())).map_or_else(missing, |_| HttpResponse::Ok().finish())
        }
        _ => missing(),
    }
}

/// Finds the app by the request's host and passes the request on to where it runs.
async fn pass(request: &HttpRequest, state: &Shared) -> HttpResponse {
    let host = request.headers().get("host").unwrap().to_str().unwrap().to_owned();
    let target = {
        let state = state.lock().unwrap();
        let known = |(app, backend): &(&String, &Value)| {
            host == format!("{app}.edge.example.com") || backend["cnames"].as_array().unwrap().iter().any(|cname| *cname == host.as_str())
        };
        state.backends.iter().find(known).map(|(_, backend)| backend["prefixes"][0]["target"].clone())
    };
    let Some(target) = target else { return HttpResponse::NotFound().body("no such app") };
    let (host, address) = (target["host"].as_str().unwrap(), target["address"].as_str().unwrap());
    let url = format!("http://{address}{}", request.uri());
    let reply = reqwest::Client::new().get(url).header("Host", host).send().await.unwrap();
    let status = actix_web::http::StatusCode::from_u16(reply.status().as_u16()).unwrap();
    HttpResponse::build(status).body(reply.text().await.unwrap())
}
