//! Registries that want a login: images are taken out of them with the one that the cluster was told.

use std::sync::{Arc, Mutex};

use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use impaas::{
    provisioner::kubernetes::{
        ClusterSpec,
        build::Builds,
        settings::{ClusterSettings, ServerSettings},
    },
    secret::Secret,
};
use serde_json::json;

use crate::api::double;

/// `me:hush`, in base64.
const LOGIN: &str = "bWU6aHVzaA==";

/// What it was asked that it did.
#[derive(Clone, Default)]
struct Registry {
    /// Tokens are to be had with the login; otherwise the login itself is shown.
    tokens: bool,
    done: Arc<Mutex<Vec<String>>>,
}

async fn answer(registry: web::Data<Registry>, request: HttpRequest) -> HttpResponse {
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let host = request.connection_info().host().to_owned();
    if request.path() == "/token" {
        let token = if shown == format!("Basic {LOGIN}") { json!({"token": "a-token"}) } else { json!({"token": "nobody's"}) };
        return HttpResponse::Ok().json(token);
    }
    let (wanted, challenge) = match registry.tokens {
        true => ("Bearer a-token".to_owned(), format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"all\"")),
        false => (format!("Basic {LOGIN}"), "Basic realm=\"r\"".to_owned()),
    };
    if shown != wanted {
        return HttpResponse::Unauthorized().insert_header(("www-authenticate", challenge)).finish();
    }
    registry.done.lock().unwrap().push(format!("{} {}", request.method(), request.path()));
    match *request.method() {
        Method::DELETE => HttpResponse::Accepted().finish(),
        _ => HttpResponse::Ok().insert_header(("docker-content-digest", "sha256:1")).finish(),
    }
}

#[actix_web::test]
async fn images_leave_registries_with_the_clusters_login() {
    for tokens in [false, true] {
        let registry = Registry { tokens, ..Registry::default() };
        let url = double::serve(web::Data::new(registry.clone()), answer);
        let host = url.trim_start_matches("http://").to_owned();
        let login = json!({"auths": {&host: {"auth": LOGIN}}}).to_string();
        let custom = [
            ("registry".to_owned(), Secret::from(format!("{host}/x").as_str())),
            ("docker-config-json".to_owned(), Secret::from(login.as_str())),
        ];
        let cluster = ClusterSpec { settings: ClusterSettings { custom: custom.into(), ..Default::default() }, ..ClusterSpec::default() };
        let builds = Builds { cluster: &cluster, server: &ServerSettings::default() };
        // Nobody listens at the first one.
        builds.remove_images(&["127.0.0.1:9/x/app-a:v1".into(), "127.0.0.1:9/x/app-a:v2".into(), format!("{host}/x/app-a:v1")], &[]).await;
        let done = registry.done.lock().unwrap().clone();
        assert_eq!(done, ["HEAD /v2/x/app-a/manifests/v1", "DELETE /v2/x/app-a/manifests/sha256:1"], "{tokens}");
    }
}
