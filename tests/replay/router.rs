//! The router of the recorded cluster, stood in for: makes apps known by name, and is never ready.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::api::double::serve;

type Known = web::Data<Mutex<BTreeSet<String>>>;

/// Starts it; it stops with the test's runtime. Where it is reached.
pub fn start() -> String {
    let known = Known::from(Arc::<Mutex<BTreeSet<String>>>::default());
    serve(known, answer)
}

async fn answer(request: HttpRequest, body: web::Bytes, known: Known) -> HttpResponse {
    let mut known = known.lock().unwrap();
    let path = request.path().strip_prefix("/api/").unwrap_or_default();
    match (request.method().as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
        ("GET", ["info"]) => HttpResponse::Ok().json(json!({
            "all-prefixes": "If set to true, exposes all of the services of the app, allowing them to be accessible from the router.",
            "class": "Ingress class for the Ingress object",
            "domain": "Domain used on Ingress.",
            "route": "Path used on Ingress rule.",
            "tls-acme": "If set to true, adds ingress TLS options to Ingress. Defaults to false.",
        })),
        ("PUT", ["backend", app]) => {
            // There are no issuers in the cluster.
            let wanted: Value = serde_json::from_slice(&body).unwrap();
            if let Some((cname, issuer)) = wanted["certIssuers"].as_object().and_then(|issuers| issuers.iter().next()) {
                let issuer = issuer.as_str().unwrap();
                return HttpResponse::InternalServerError().body(format!("could not ensure CName: {cname:?}: issuer {issuer} not found\n"));
            }
            known.insert((*app).into());
            HttpResponse::Ok().finish()
        }
        ("DELETE", ["backend", app]) if known.remove(*app) => HttpResponse::Ok().finish(),
        ("GET", ["backend", app]) => {
            let address = if known.contains(*app) { format!("{app}.apps.localhost") } else { String::new() };
            HttpResponse::Ok().json(json!({"address": address, "addresses": [address]}))
        }
        ("GET", ["backend", app, "status"]) => {
            let detail = if known.contains(*app) { "" } else { "waiting for deploy" };
            HttpResponse::Ok().json(json!({"status": "not ready", "detail": detail}))
        }
        _ => HttpResponse::NotFound().finish(),
    }
}
