//! A broker on a real socket: answers as it is told, and remembers what it was asked.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::double::serve;

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub body: String,
    pub headers: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct State {
    seen: Arc<Mutex<Vec<Seen>>>,
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    mind: Option<fn(&Seen) -> Option<HttpResponse>>,
}

/// The broker. It stops with the test's runtime.
pub struct Broker {
    pub url: String,
    state: State,
}

impl Broker {
    pub fn start() -> Self {
        Self::run(State::default())
    }

    /// One with a mind of its own about some requests.
    pub fn minded(mind: fn(&Seen) -> Option<HttpResponse>) -> Self {
        Self::run(State { mind: Some(mind), ..State::default() })
    }

    fn run(state: State) -> Self {
        let data = web::Data::new(state.clone());
        let url = serve(data, answer);
        Self { url, state }
    }

    /// `POST /resources` is answered like this from now on.
    pub fn answers(&self, line: &str, status: u16, body: &str) {
        self.state.answers.lock().unwrap().insert(line.into(), (status, body.into()));
    }

    /// What it was asked since the last look.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.seen.lock().unwrap())
    }

    /// Method and path of what it was asked since the last look.
    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let text = String::from_utf8_lossy(&body).into_owned();
    let seen = Seen { line: line.clone(), body: text.clone(), headers };
    // Decided before anybody sees the request: who has seen it may change how the next one is answered.
    let told = state.answers.lock().unwrap().get(&line).cloned();
    state.seen.lock().unwrap().push(seen.clone());
    if let Some(answer) = state.mind.and_then(|mind| mind(&seen)) {
        return answer;
    }
    if let Some((status, body)) = told {
        return HttpResponse::build(StatusCode::from_u16(status).unwrap()).body(body);
    }
    let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
    match (request.method().as_str(), path.as_slice()) {
        ("GET", ["resources", "plans"]) => {
            HttpResponse::Ok().body(r#"[{"name":"small","description":"one shared schema"},{"name":"large"}]"#)
        }
        ("POST", ["resources"]) => HttpResponse::Created().finish(),
        ("GET", ["resources", _, "status"]) => HttpResponse::NoContent().finish(),
        ("GET", ["resources", _]) => HttpResponse::Ok().body(r#"[{"label":"Size","value":"12MB"}]"#),
        ("PUT" | "DELETE", ["resources", _]) => HttpResponse::Ok().finish(),
        ("POST", ["resources", name, "bind-app"]) => HttpResponse::Created()
            .body(format!(r#"{{"DATABASE_HOST":"db.internal","DATABASE_NAME":"{name}","DATABASE_PASSWORD":"s3cr3t"}}"#)),
        ("DELETE", ["resources", _, "bind-app"]) => HttpResponse::Ok().finish(),
        _ => HttpResponse::Ok()
            .insert_header(("Content-Type", "application/json"))
            .insert_header(("Set-Cookie", "a=b"))
            .body(format!("{{\"echo\":{line:?},\"body\":{text:?}}}")),
    }
}
