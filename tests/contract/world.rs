//! A server with one of everything that the requests of `requests.csv` are about.

use impaas::{
    event::{Allowed, Begin, Target, TargetType, begin::Running, document::Named},
    permission::Context,
    service::Service,
    store::{Filter, Update},
};

use serde_json::json;

use crate::{
    api::{
        broker::Broker,
        harness::{Caller, Server},
        memory::Memory,
        service,
        volume::make_team,
    },
    server::archive::multipart,
};

/// The server, and the names that it chose itself.
pub struct World {
    pub server: Server,
    pub event: String,
    pub block: String,
    _running: Running,
    _broker: Broker,
}

impl World {
    pub async fn new() -> Self {
        Self::with_settings("").await
    }

    /// With these settings, as in a file.
    pub async fn with_settings(settings: &str) -> Self {
        let server = Server::with_settings(Memory::new(), settings).await;
        std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
        let broker = Broker::start();
        let running = server.ctx.events.begin(event_that_can_be_cancelled()).await.unwrap();
        let admin = server.admin().await;
        make_team(&server, "crew").await;
        server.user("bob@example.com").await;
        places(&admin).await;
        roles(&admin).await;
        apps(&admin).await;
        services(&server, &admin, &broker.url).await;
        let hook = json!({"name": "hook", "url": "http://example.com/", "team_owner": "demo", "event_filter": {"kind_names": ["app"]}});
        admin.post("/1.6/events/webhooks").json(&hook).send().await.ok(200);
        let block = block(&admin).await;
        drop(admin);
        Self { event: running.id(), block, server, _running: running, _broker: broker }
    }
}

fn event_that_can_be_cancelled() -> Begin {
    let allowed = |scheme: &str| Allowed { scheme: scheme.into(), contexts: vec![Context::team("demo")] };
    Begin {
        target: Target::new(TargetType::App, "elsewhere"),
        extra: vec![],
        kind: "app.deploy".into(),
        owner: Named { kind: "user".into(), name: "me@example.com".into() },
        source_ip: "127.0.0.1".into(),
        data: None,
        allowed: allowed("app.read.events"),
        allowed_cancel: Some(allowed("app.update.events")),
        locks: true,
    }
}

async fn places(admin: &Caller<'_>) {
    admin.post("/1.0/pools").form(&[("name", "dev")]).send().await.ok(201);
    admin.post("/1.0/plans").form(&[("name", "tiny"), ("memory", "0")]).send().await.ok(201);
    let router = json!({"name": "edge", "type": "api", "config": {"api-url": "http://127.0.0.1:9"}});
    admin.post("/1.8/routers").json(&router).send().await.ok(201);
    let cluster = json!({"name": "c1", "provisioner": "kubernetes", "default": true});
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
    let volume = [("Name", "data"), ("TeamOwner", "demo"), ("Pool", "local"), ("Plan.Name", "local")];
    admin.post("/1.4/volumes").form(&volume).send().await.ok(201);
}

async fn roles(admin: &Caller<'_>) {
    for (name, context) in [("helper", "team"), ("nothing", "team"), ("everywhere", "global")] {
        admin.post("/1.0/roles").form(&[("name", name), ("context", context)]).send().await.ok(201);
    }
    admin.post("/1.0/roles/helper/permissions").form(&[("permission", "app.read")]).send().await.ok(200);
    admin.post("/1.6/tokens").form(&[("team", "demo"), ("token_id", "ci")]).send().await.ok(201);
}

async fn apps(admin: &Caller<'_>) {
    let app = [("name", "hello"), ("platform", "python"), ("teamOwner", "demo")];
    admin.post("/1.0/apps").form(&app).send().await.ok(201);
    let job = r#"{"name":"nightly","teamOwner":"demo","pool":"local","schedule":"@daily","container":{"image":"i","command":["c"]}}"#;
    admin.post("/1.13/jobs").body("application/json", job).send().await.ok(201);
    let (content_type, body) = multipart(&[("origin", "app-deploy")], b"the archive");
    admin.post("/1.0/apps/hello/deploy").body(&content_type, body).send().await.ok(200);
}

/// The service is restricted: its permissions of reading are asked for too.
async fn services(server: &Server, admin: &Caller<'_>, endpoint: &str) {
    for name in ["mysql", "empty"] {
        service::create(admin, name, endpoint).await.ok(201);
    }
    let restricted = Update::set("is_restricted", true).and_set("teams", ["demo", "crew"]);
    server.ctx.store.of::<Service>().update(Filter::id("mysql"), restricted).await.unwrap();
    let instance = [("name", "tododb"), ("owner", "demo"), ("plan", "small")];
    admin.post("/1.0/services/mysql/instances").form(&instance).send().await.ok(201);
}

async fn block(admin: &Caller<'_>) -> String {
    let block = [("reason", "an example"), ("kindname", "install.manage")];
    admin.post("/1.3/events/blocks").form(&block).send().await.ok(200);
    admin.get("/1.3/events/blocks").send().await.ok(200).json()[0]["ID"].as_str().unwrap().to_owned()
}
