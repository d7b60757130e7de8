//! Stands in for a cluster's API server: apps as a real one tells of them, listed in pages; what is written, which is there at once with
//! everything that a cluster makes of it; watches. It tells what it was asked.

mod live;
mod place;

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::{Method, StatusCode},
    rt::time::{Sleep, sleep},
    web::{Bytes, Data, Query},
};
use serde_json::{Value, json};

use self::{live::Live, place::Place};

type Asked = HashMap<String, String>;

/// What there is of a kind: where it is listed, one object as it was read from a cluster, and how many of it an app has.
struct Kind(&'static str, &'static str, usize);

const KINDS: [Kind; 3] = [
    Kind("/api/v1/pods", include_str!("pod.json"), 2),
    Kind("/api/v1/services", include_str!("service.json"), 2),
    Kind("/apis/apps/v1/deployments", include_str!("deployment.json"), 1),
];

/// What is looked for again and again.
const ABSENT: [&str; 3] = ["/apis/metrics.k8s.io/", "/apis/keda.sh/", "/apis/autoscaling.k8s.io/"];

/// So many apps, `app-0` and so on, and what was asked about them.
#[derive(Default)]
pub struct Cluster {
    apps: usize,
    asked: Mutex<Vec<String>>,
    live: Mutex<Live>,
}

impl Cluster {
    /// With so many apps.
    pub fn of(apps: usize) -> Self {
        Self { apps, ..Self::default() }
    }

    /// What was asked so far but for what goes on by itself: watches, and the look for kinds and metrics that it lacks.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }

    /// A page of what there is: first the apps that are always there, in the end what was written.
    fn page(&self, place: &Place, query: &Asked) -> String {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let labels = query.get("labelSelector").map(String::as_str).unwrap_or_default();
        let kind = KINDS.iter().find(|kind| kind.0 == place.kind && place.namespace.is_empty());
        let of_kind = kind.map_or(0, |kind| kind.2);
        let of_app = labels.split("tsuru.io/app-name=").nth(1).and_then(|rest| rest.split(',').next());
        let number_of = |app: &str| app.strip_prefix("app-")?.parse::<usize>().ok();
        let apps = of_app.map_or(0..self.apps, |app| number_of(app).map_or(0..0, |app| app..app + 1));
        let (first, all) = (number("continue").unwrap_or(apps.start * of_kind), apps.end * of_kind);
        let end = all.min(first + number("limit").unwrap_or(all));
        // Without the white space of the file, as a server sends it.
        let sample: String = kind.map_or("", |kind| kind.1).lines().map(str::trim).collect();
        let object = |at: usize| sample.replace("{app}", &format!("app-{}", at / of_kind)).replace("{n}", &(at % of_kind).to_string());
        let mut objects: Vec<String> = (first..end).map(object).collect();
        let live = lock(&self.live);
        let next = if end < all {
            format!(r#","continue":"{end}""#)
        } else {
            objects.extend(live.list(&selected(place, query), labels).into_iter().map(Value::to_string));
            String::new()
        };
        let (version, objects) = (live.version(), objects.join(","));
        format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"{next}}},"items":[{objects}]}}"#)
    }

    fn read(&self, place: &Place, query: &Asked) -> HttpResponse {
        if place.name.is_empty() {
            return HttpResponse::Ok().content_type("application/json").body(self.page(place, query));
        }
        lock(&self.live).get(place).map_or_else(|| status(404, "NotFound"), |object| HttpResponse::Ok().json(object))
    }

    /// `create` and `replace`.
    fn write(&self, mut place: Place, body: &[u8], new: bool) -> HttpResponse {
        let object: Value = serde_json::from_slice(body).unwrap_or_default();
        if new {
            object["metadata"]["name"].as_str().unwrap_or_default().clone_into(&mut place.name);
        }
        let mut live = lock(&self.live);
        match (new, live.get(&place)) {
            (true, Some(_)) => status(409, "AlreadyExists"),
            (false, None) => status(404, "NotFound"),
            _ => HttpResponse::build(if new { StatusCode::CREATED } else { StatusCode::OK }).json(live.write(&place, object)),
        }
    }

    fn remove(&self, place: &Place) -> HttpResponse {
        if lock(&self.live).remove(place) { status(200, "") } else { status(404, "NotFound") }
    }
}

/// One object may also be asked for as a list.
fn selected(place: &Place, query: &Asked) -> Place {
    let name = query.get("fieldSelector").and_then(|fields| fields.strip_prefix("metadata.name="));
    name.map_or_else(|| place.clone(), |name| Place { name: name.into(), ..place.clone() })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn status(code: u16, reason: &str) -> HttpResponse {
    let said = if code < 300 { "Success" } else { "Failure" };
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": said, "reason": reason, "message": reason, "code": code});
    HttpResponse::build(StatusCode::from_u16(code).unwrap_or(StatusCode::OK)).json(status)
}

/// Answers any request.
pub async fn answer(request: HttpRequest, query: Query<Asked>, cluster: Data<Cluster>, body: Bytes) -> HttpResponse {
    let path = request.path();
    if path == "/asked" {
        return HttpResponse::Ok().body(cluster.asked().join("\n"));
    }
    let place = Place::read(path);
    if query.contains_key("watch") {
        let Some(place) = place else { return status(404, "NotFound") };
        let number = |name: &str| query.get(name).and_then(|text| text.parse().ok());
        let end = Box::pin(sleep(Duration::from_secs(number("timeoutSeconds").unwrap_or(60))));
        let version = usize::try_from(number("resourceVersion").unwrap_or(1)).unwrap_or(1);
        let watch = Watch { place: selected(&place, &query), version, cluster, end };
        return HttpResponse::Ok().content_type("application/json").body(watch);
    }
    if !ABSENT.iter().any(|group| path.starts_with(group)) {
        lock(&cluster.asked).push(format!("{} {}", request.method(), request.uri()));
    }
    match (request.method(), place) {
        (&Method::GET, Some(place)) => cluster.read(&place, &query),
        (&Method::POST, Some(place)) => cluster.write(place, &body, true),
        (&Method::PUT, Some(place)) => cluster.write(place, &body, false),
        (&Method::DELETE, Some(place)) => cluster.remove(&place),
        _ => status(404, "NotFound"),
    }
}

/// A body that tells of what happens, and ends after a while.
struct Watch {
    place: Place,
    version: usize,
    cluster: Data<Cluster>,
    end: Pin<Box<Sleep>>,
}

impl MessageBody for Watch {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let (lines, version) = lock(&self.cluster.live).after(&self.place, self.version, cx.waker());
        self.version = version;
        if lines.is_empty() {
            return self.end.as_mut().poll(cx).map(|()| None);
        }
        Poll::Ready(Some(Ok(lines.concat().into())))
    }
}
