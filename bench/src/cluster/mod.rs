//! Stands in for a cluster's API server: apps as a real one tells of them, listed in pages; watches, in which nothing happens; changes,
//! which are said to be made. It tells what it was asked.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    rt::time::{Sleep, sleep},
    web::{Bytes, Data, Query},
};

/// What there is of a kind: where it is listed, one object as it was read from a cluster, and how many of it an app has.
struct Kind(&'static str, &'static str, usize);

const KINDS: [Kind; 6] = [
    Kind("/api/v1/pods", include_str!("pod.json"), 2),
    Kind("/api/v1/services", include_str!("service.json"), 2),
    Kind("/apis/apps/v1/deployments", include_str!("deployment.json"), 1),
    Kind("/apis/batch/v1/jobs", "", 0),
    Kind("/apis/autoscaling/v2/horizontalpodautoscalers", "", 0),
    Kind("/apis/networking.k8s.io/v1/ingresses", "", 0),
];

/// What is looked for again and again.
const ABSENT: [&str; 3] = ["/apis/metrics.k8s.io/", "/apis/keda.sh/", "/apis/autoscaling.k8s.io/"];

/// So many apps, `app-0` and so on, and what was asked about them.
#[derive(Default)]
pub struct Cluster {
    apps: usize,
    asked: Mutex<Vec<String>>,
}

impl Cluster {
    /// With so many apps.
    pub fn of(apps: usize) -> Self {
        Self { apps, ..Self::default() }
    }

    /// What was asked so far but for what goes on by itself: watches, and the look for kinds and metrics that it lacks.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn page(&self, kind: &Kind, query: &HashMap<String, String>) -> String {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let of_app = query.get("labelSelector").and_then(|labels| labels.split("tsuru.io/app-name=app-").nth(1)?.parse::<usize>().ok());
        let apps = of_app.map_or(0..self.apps, |app| app..app + 1);
        let (first, all) = (number("continue").unwrap_or(apps.start * kind.2), apps.end * kind.2);
        let end = all.min(first + number("limit").unwrap_or(all));
        // Without the white space of the file, as a server sends it.
        let sample: String = kind.1.lines().map(str::trim).collect();
        let object = |at: usize| sample.replace("{app}", &format!("app-{}", at / kind.2)).replace("{n}", &(at % kind.2).to_string());
        let objects: Vec<String> = (first..end).map(object).collect();
        let next = if end < all { format!(r#","continue":"{end}""#) } else { String::new() };
        format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"1"{next}}},"items":[{}]}}"#, objects.join(","))
    }
}

/// Answers any request.
pub async fn answer(request: HttpRequest, query: Query<HashMap<String, String>>, cluster: Data<Cluster>, body: Bytes) -> HttpResponse {
    if request.path() == "/asked" {
        return HttpResponse::Ok().body(cluster.asked().join("\n"));
    }
    if query.contains_key("watch") {
        let seconds = query.get("timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(60);
        return HttpResponse::Ok().content_type("application/json").body(Silence(Box::pin(sleep(Duration::from_secs(seconds)))));
    }
    if !ABSENT.iter().any(|group| request.path().starts_with(group)) {
        let asked = format!("{} {}", request.method(), request.uri());
        cluster.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }
    if request.method() == "POST" {
        return HttpResponse::Created().content_type("application/json").body(body);
    }
    match KINDS.iter().find(|kind| kind.0 == request.path()) {
        Some(kind) => HttpResponse::Ok().content_type("application/json").body(cluster.page(kind, &query)),
        None => HttpResponse::NotFound().content_type("application/json").body(NOT_FOUND),
    }
}

const NOT_FOUND: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"the server could not find the requested resource","code":404}"#;

/// A body that says nothing for a while, and ends.
struct Silence(Pin<Box<Sleep>>);

impl MessageBody for Silence {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.0.as_mut().poll(cx).map(|()| None)
    }
}
