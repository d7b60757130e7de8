//! What the recordings were made in, stood in for: an empty store with a root user, a cluster, its router, a broker
//! of services.

use std::sync::Arc;

use actix_web::HttpResponse;
use impaas::store::Backend;
use serde_json::{Value, json};

use super::{
    exchange::{self, Exchange},
    names::Names,
    router,
};
use crate::{
    api::{
        broker::{Broker, Seen},
        harness::{Reply, Server},
        memory::{Look, Memory},
    },
    build::service::{Service, output},
};

/// The settings of the recorded server, where they are not about its own address and cluster.
const SETTINGS: &str = "
host: http://127.0.0.1:8081
auth: {scheme: native, user-registration: true}
quota: {units-per-app: 10, apps-per-user: 8}
volume-plans: {host: {kubernetes: {plugin: hostPath}}, nfs: {kubernetes: {storage-class: nfs, access-modes: ReadWriteMany}}}
database: {url: mongodb://127.0.0.1:27017, name: tsuru_lab}
outgoing: {allow-private: true, allow: 127.0.0.0/8}
";

/// The recorded broker's, router's and build service's addresses.
const BROKER: &str = "http://127.0.0.1:8190";
const ROUTER: &str = "http://127.0.0.1:8099";
const BUILDER: &str = "127.0.0.1:8000";

/// The recorded registries; the stand-in's images are named without one.
const REGISTRIES: [&str; 2] = ["127.0.0.1:5000/rec21018/", "127.0.0.1:5000/rec26086/"];

const CLUSTER: Look = Look {
    name: "kubernetes",
    domain: "apps.localhost",
    runs_images: true,
    cluster: Some("k1"),
    processes: &[("web", "python3 app.py")],
    config: "healthcheck: {path: /}",
};

/// A server in its world.
pub struct World {
    server: Server,
    pub broker: Broker,
    pub names: Names,
    _builder: Service,
}

impl World {
    pub async fn new(documents: Arc<dyn Backend>) -> Self {
        let router = router::start();
        let settings = format!("{SETTINGS}routers: {{none: {{type: api, default: true, api-url: '{router}/api'}}}}\n");
        let server = Server::with_root(documents, Memory::like(CLUSTER), &settings, "admin123").await;
        let broker = Broker::minded(as_the_recorded_one);
        let mut names = Names::default();
        names.is(BROKER, &broker.url);
        names.is(ROUTER, &router);
        let builder = Service::saying(vec![output(" ---> Starting container image build\n ---> Container image build finished\n")]).await;
        names.is(BUILDER, &builder.address.to_string());
        REGISTRIES.iter().for_each(|registry| names.is(registry, "tsuru/"));
        Self { server, broker, names, _builder: builder }
    }

    /// Sends what the recorded client sent, with our names.
    pub async fn ask(&self, exchange: &Exchange) -> Reply {
        let path = self.names.ours(&exchange.path);
        let query = if exchange.query.is_empty() { String::new() } else { format!("?{}", self.names.ours(&exchange.query)) };
        let mut request = self.server.nobody().request(&exchange.method, &format!("{path}{query}")).from("127.0.0.1:4000");
        for name in ["Accept", "Authorization", "X-Tsuru-Verbosity"] {
            if let Some(value) = exchange.request_header(name) {
                request = request.header(name, &self.names.ours(value));
            }
        }
        let body = exchange.body(|text| self.names.ours(text));
        match exchange.request_header("Content-Type") {
            Some(kind) => request.body(kind, body),
            None if body.is_empty() => request,
            None => request.raw(body),
        }
        .send()
        .await
    }

    /// What had been made by the CLI before the recording of raw requests began.
    pub async fn set_up(&self) {
        let admin = self.server.admin().await;
        admin.post("/1.3/provisioner/clusters").json(&self.cluster()).send().await.ok(200);
        admin.post("/1.0/teams").json(&json!({"name": "demo"})).send().await.ok(201);
        admin.post("/1.0/teams").json(&json!({"name": "other"})).send().await.ok(201);
        let pool = json!({"name": "dev", "provisioner": "kubernetes", "public": true, "default": true});
        admin.post("/1.0/pools").json(&pool).send().await.ok(201);
        let platform = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\npython\r\n\
                        --b\r\nContent-Disposition: form-data; name=\"dockerfile_content\"; filename=\"Dockerfile\"\r\n\r\nFROM base/python\r\n--b--\r\n";
        admin.post("/1.0/platforms").body("multipart/form-data; boundary=b", platform).send().await.ok(200);
    }

    /// The cluster that was there when the recording of raw requests began: that of the other recording, with one more setting.
    fn cluster(&self) -> Value {
        let added = exchange::recording("http").into_iter().find(|exchange| exchange.label == "http:cluster-add").unwrap();
        let [first, second] = REGISTRIES.map(|registry| registry.trim_end_matches('/'));
        let mut cluster: Value = serde_json::from_slice(&added.body(|text| self.names.ours(&text.replace(first, second)))).unwrap();
        cluster["custom_data"]["disable-default-node-selector"] = "true".into();
        cluster
    }
}

/// How the recorded broker answers, where the tests' usual one answers otherwise.
fn as_the_recorded_one(seen: &Seen) -> Option<HttpResponse> {
    let (method, uri) = seen.line.split_once(' ')?;
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        (_, ["resources", "plans"]) => Some(HttpResponse::Ok().json(json!([
            {"name": "small", "description": "one shared schema", "schemas": {"service_instance": {"create": {"parameters":
                {"type": "object", "properties": {"size": {"type": "string", "description": "disk"}}}}}}},
            {"name": "large", "description": "a server of its own"},
        ]))),
        ("POST", ["resources"]) if seen.body.contains("name=fail") => Some(HttpResponse::InternalServerError().body("broker says no")),
        ("GET", ["resources", _]) => {
            Some(HttpResponse::Ok().json(json!([{"label": "Connections", "value": "3"}, {"label": "Size", "value": "12MB"}])))
        }
        ("POST" | "PUT" | "DELETE", ["resources"] | ["resources", _]) | (_, ["resources", _, "status" | "bind-app" | "bind"]) => None,
        _ => {
            let text = |text: &str| Value::from(text).to_string();
            let (method, path, query, body) = (text(method), text(path), text(query), text(&seen.body));
            let echo = format!("{{\"echo\": {{\"method\": {method}, \"path\": {path}, \"query\": {query}, \"body\": {body}}}}}");
            Some(HttpResponse::Ok().insert_header(("Content-Type", "application/json")).body(echo))
        }
    }
}
