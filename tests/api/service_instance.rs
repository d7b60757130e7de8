//! Instances: making, seeing, changing, removing them; the broker and the store agree whatever happens.

use impaas::{
    app::App,
    permission::ContextType::{ServiceInstance, Team},
    service::{Instance, instance, intent},
    store::Update,
};
use serde_json::json;

use super::{
    broker::Broker,
    harness::{Caller, Reply, Server},
    service::{DENIED, create, with_mysql},
    volume::{make_app, make_team},
};

pub(super) const DB: &str = "/1.0/services/mysql/instances/tododb";
pub(super) const BIND: &str = "/1.13/services/mysql/instances/tododb/apps/hello";

/// As the stock client asks for one.
pub(super) async fn add(caller: &Caller<'_>, name: &str) -> Reply {
    let form = [
        ("description", "todo database"),
        ("name", name),
        ("owner", "demo"),
        ("parameters", ""),
        ("plan", "small"),
        ("pool", ""),
        ("tag", "db"),
    ];
    caller.post("/1.0/services/mysql/instances").form(&form).send().await
}

pub(super) async fn with_instance() -> (Server, Broker) {
    let (server, broker) = with_mysql().await;
    make_app(&server, "hello", "demo").await;
    add(&server.admin().await, "tododb").await.ok(201);
    broker.seen();
    (server, broker)
}

pub(super) async fn stored(server: &Server) -> Option<Instance> {
    server.ctx.store.of::<Instance>().get(instance::named("mysql", "tododb")).await.unwrap()
}

pub(super) async fn variables(server: &Server) -> Vec<String> {
    let app = App::load(&server.ctx.store, "hello").await.unwrap();
    app.service_envs.iter().map(|var| format!("{}={}", var.var.name, var.var.value.expose())).collect()
}

pub(super) async fn intents(server: &Server) -> usize {
    server.ctx.store.backend().dump("service_intents").await.unwrap().len()
}

/// The messages of a stream, and its error.
pub(super) fn said(reply: &Reply) -> (String, String) {
    let lines: Vec<serde_json::Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |key: &str| lines.iter().filter_map(|line| line[key].as_str()).collect::<String>();
    (of("Message"), of("Error"))
}

#[actix_web::test]
async fn an_instance_is_asked_for_shown_changed_and_removed() {
    let (server, broker) = with_mysql().await;
    let admin = server.admin().await;
    let reply = add(&admin, "tododb").await.ok(201);
    assert_eq!((reply.text.as_str(), reply.header("content-type")), ("", None));
    let asked = broker.seen();
    assert_eq!(asked.len(), 1);
    let event = &asked[0].headers["x-tsuru-eventid"];
    let body = format!("description=todo+database&eventid={event}&name=tododb&plan=small&tags=db&team=demo&user=admin%40example.com");
    assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), ("POST /resources", body.as_str()));
    assert_eq!(asked[0].headers["x-tsuru-user"], "admin@example.com");
    assert_eq!(
        (asked[0].headers["accept"].as_str(), asked[0].headers["content-type"].as_str()),
        ("application/json", "application/x-www-form-urlencoded")
    );

    add(&admin, "tododb").await.fails(409, "instance name already exists.");
    let info = concat!(
        r#"{"Apps":[],"Jobs":[],"Teams":["demo"],"TeamOwner":"demo","Description":"todo database","PlanName":"small","#,
        r#""PlanDescription":"one shared schema","Pool":"","Cluster":"","CustomInfo":{"Size":"12MB"},"Tags":["db"],"Parameters":{}}"#
    );
    assert_eq!(admin.get(DB).send().await.ok(200).text.trim_end(), info);
    assert_eq!(admin.get(&format!("{DB}/status")).send().await.ok(200).text, "Service instance \"tododb\" is up");
    let list = admin.get("/1.0/services/instances").send().await.ok(200);
    let expected = concat!(
        r#"[{"service":"mysql","instances":["tododb"],"plans":["small"],"service_instances":[{"name":"tododb","service_name":"mysql","#,
        r#""plan_name":"small","apps":[],"jobs":[],"teams":["demo"],"team_owner":"demo","description":"todo database","tags":["db"]}]}]"#
    );
    assert_eq!(list.text.trim_end(), expected);
    let of_service = admin.get("/1.0/services/mysql").send().await.ok(200).json();
    assert_eq!((&of_service[0]["Name"], &of_service[0]["Info"]), (&json!("tododb"), &json!({"Size": "12MB"})));
    broker.seen();

    let change = json!({"description": "changed", "teamowner": "demo", "plan": "large", "tags": ["db"]});
    admin.put(DB).json(&change).send().await.ok(200);
    let asked = broker.seen();
    let event = &asked[0].headers["x-tsuru-eventid"];
    let body = format!("description=changed&eventid={event}&plan=large&tags=db&team=demo&user=admin%40example.com");
    assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), ("PUT /resources/tododb", body.as_str()));
    assert_eq!(stored(&server).await.unwrap().plan, "large");

    let removed = admin.delete(&format!("{DB}?ignoreerrors=false&unbindall=false")).send().await.ok(200);
    assert_eq!(said(&removed), ("service instance successfully removed\n".into(), String::new()));
    assert_eq!(removed.header("content-type"), Some("application/x-json-stream"));
    assert_eq!(broker.lines(), ["DELETE /resources/tododb"]);
    for path in ["", "/status"] {
        admin.get(&format!("{DB}{path}")).send().await.fails(404, "service instance not found");
    }
    assert_eq!(intents(&server).await, 0);
}

#[actix_web::test]
async fn wrong_instances_are_refused_with_the_words_of_the_contract() {
    let (server, broker) = with_mysql().await;
    let admin = server.admin().await;
    let path = "/1.0/services/mysql/instances";
    admin.post("/1.0/services/ghost/instances").form(&[("name", "x")]).send().await.fails(404, "Service not found");
    admin
        .post(path)
        .json(&json!({"name": "x", "PlanName": "small", "TeamOwner": "demo"}))
        .send()
        .await
        .fails(400, "You must provide a team to execute this action.");
    admin.post(path).form(&[("name", "1x"), ("owner", "demo")]).send().await.fails(400, "invalid service instance name");
    admin.post(path).form(&[("name", "x/../y"), ("owner", "demo")]).send().await.fails(400, "invalid service instance name");
    admin.post(path).form(&[("name", "xy"), ("owner", "ghosts")]).send().await.fails(500, "Team owner doesn't exist");
    let regular = "regular (non-multi-cluster) service instance cannot belong to a pool";
    admin.post(path).form(&[("name", "xy"), ("owner", "demo"), ("pool", "local")]).send().await.fails(500, regular);
    assert!(broker.lines().is_empty());
    broker.answers("POST /resources", 500, "broker says no");
    add(&admin, "faildb").await.fails(500, "Failed to create the instance faildb: invalid response: broker says no (code: 500)");
    broker.answers("POST /resources", 409, "");
    add(&admin, "faildb").await.fails(500, "instance already exists in the service API");
    assert_eq!(broker.lines(), ["POST /resources", "POST /resources"]);
    let same = "please specify the team that owns the service instance";
    broker.answers("POST /resources", 201, "");
    add(&admin, "tododb").await.ok(201);
    admin.put(DB).json(&json!({"description": "", "plan": "small"})).send().await.fails(500, same);
    let as_is = json!({"description": "todo database", "plan": "small", "teamowner": "demo", "tags": ["db"], "parameters": {}});
    let nothing = "Neither description, team owner, tags, plan nor plan parameters were set. You must define at least one.";
    admin.put(DB).json(&as_is).send().await.fails(400, nothing);
    broker.answers("PUT /resources/tododb", 500, "no");
    admin
        .put(DB)
        .json(&json!({"plan": "large", "teamowner": "demo"}))
        .send()
        .await
        .fails(500, "Failed to update the instance tododb: invalid response: no (code: 500)");
    assert_eq!(stored(&server).await.unwrap().plan, "small");
    assert_eq!(intents(&server).await, 0);
}

#[actix_web::test]
async fn parameters_reach_the_broker_as_form_or_json() {
    let (server, broker) = with_mysql().await;
    let admin = server.admin().await;
    let sent = json!({"name": "db1", "plan": "small", "owner": "demo", "parameters": {"size": "2", "db_password": "hush"}});
    admin.post("/1.0/services/mysql/instances").json(&sent).send().await.ok(201);
    assert!(broker.seen()[0].body.contains("parameters.db_password=hush&parameters.size=2"));
    let json_too = [("endpoint", broker.url.as_str()), ("password", "p"), ("encoding", "json")];
    admin.put("/1.0/services/mysql").form(&json_too).send().await.ok(200);
    let form = [("name", "db2"), ("owner", "demo"), ("parameters.size", "3")];
    admin.post("/1.0/services/mysql/instances").form(&form).send().await.ok(201);
    let asked = broker.seen();
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!((&body["name"], &body["team"], &body["parameters"]), (&json!("db2"), &json!("demo"), &json!({"size": "3"})));
    assert_eq!(asked[0].headers["content-type"], "application/json");
    let events = format!("{:?}", server.ctx.store.backend().dump("events").await.unwrap());
    assert!(!events.contains("hush"));
}

#[actix_web::test]
async fn a_removal_is_refused_by_the_broker_unless_errors_are_ignored() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    admin.put(BIND).form(&[("noRestart", "true")]).send().await.ok(200);
    broker.answers("DELETE /resources/tododb", 500, "no");
    let text = "Failed to destroy the instance tododb: invalid response: no (code: 500)";
    let tried = admin.delete(&format!("{DB}?unbindall=true")).send().await.ok(200);
    let (messages, error) = said(&tried);
    assert!(
        messages.starts_with("Unbind app \"hello\" ...\n") && messages.contains("is not bound to the app \"hello\" anymore."),
        "{messages}"
    );
    assert_eq!(error, text);
    admin.delete(DB).send().await.fails(500, text);
    let removed = admin.delete(&format!("{DB}?ignoreerrors=true")).send().await.ok(200);
    let expected = format!(
        "could not delete the service instance on service api: {text}. ignoring this error due to force removal...\nservice instance successfully removed\n"
    );
    assert_eq!(said(&removed), (expected, String::new()));
    assert!(stored(&server).await.is_none());
}

#[actix_web::test]
async fn an_instance_that_the_broker_has_forgotten_is_removed() {
    let (server, broker) = with_instance().await;
    broker.answers("DELETE /resources/tododb", 404, "");
    server.admin().await.delete(DB).send().await.ok(200);
    assert!(stored(&server).await.is_none());
}

#[actix_web::test]
async fn what_a_crash_left_at_the_broker_is_undone() {
    let (server, broker) = with_instance().await;
    let admin = server.admin().await;
    let left = |deed: &str, instance: &str, app: &str| {
        bson::doc! {"_id": format!("mysql/{instance}/{app}"), "deed": deed, "service": "mysql", "instance": instance, "pool": "", "app": app,
        "user": "admin@example.com", "event": bson::oid::ObjectId::new()}
    };
    let named = instance::named("mysql", "tododb");
    server.ctx.store.of::<Instance>().update(named, Update::add_to_set("apps", "hello")).await.unwrap();
    server.ctx.store.backend().load("service_intents", vec![left("create", "lost", ""), left("bind", "tododb", "hello")]).await.unwrap();
    intent::recover(&server.ctx).await.unwrap();
    let mut lines = broker.lines();
    lines.sort();
    assert_eq!(lines, ["DELETE /resources/lost", "DELETE /resources/tododb/bind-app"]);
    assert!(stored(&server).await.unwrap().apps.is_empty());
    assert_eq!(intents(&server).await, 0);

    // The next request settles it too, when it comes first.
    server.ctx.store.backend().load("service_intents", vec![left("create", "again", "")]).await.unwrap();
    add(&admin, "again").await.ok(201);
    assert_eq!(broker.lines(), ["DELETE /resources/again", "POST /resources"]);
    assert_eq!(intents(&server).await, 0);
}

#[actix_web::test]
async fn a_creation_that_breaks_off_is_undone_when_the_broker_is_back() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = dead.local_addr().unwrap();
    // Takes each call and hangs up.
    let closing = std::thread::spawn(move || dead.incoming().take(2).for_each(drop));
    create(&admin, "mysql", &format!("http://{address}")).await.ok(201);
    let failed = add(&admin, "tododb").await.ok(500);
    assert!(
        failed.text.starts_with(&format!("Failed to create the instance tododb: Post \"http://{address}/resources\": ")),
        "{}",
        failed.text
    );
    closing.join().unwrap();
    assert_eq!(intents(&server).await, 1);
    let broker = Broker::start();
    admin.put("/1.0/services/mysql").form(&[("endpoint", broker.url.as_str()), ("password", "p")]).send().await.ok(200);
    intent::recover(&server.ctx).await.unwrap();
    assert_eq!(broker.lines(), ["DELETE /resources/tododb"]);
    assert_eq!(intents(&server).await, 0);
}

#[actix_web::test]
async fn teams_are_let_in_and_out_of_an_instance() {
    let (server, _broker) = with_instance().await;
    let admin = server.admin().await;
    make_team(&server, "other").await;
    let path = |team: &str| format!("/1.0/services/mysql/instances/permission/tododb/{team}");
    for _ in 0..2 {
        admin.put(&path("other")).send().await.ok(200);
    }
    assert_eq!(stored(&server).await.unwrap().teams, ["demo", "other"]);
    let other = server.user_with("o@example.com", Team, "other", &["service-instance"]).await;
    other.get(DB).send().await.ok(200);
    admin.delete(&path("other")).send().await.ok(200);
    other.get(DB).send().await.fails(403, DENIED);
    admin.put(&path("ghosts")).send().await.fails(500, "team not found");
    admin.delete(&path("ghosts")).send().await.fails(500, "team not found");
    admin.delete(&path("demo")).send().await.fails(500, "cannot revoke the instance's team owner access");
    admin.put("/1.0/services/mysql/instances/permission/ghost/demo").send().await.fails(404, "service instance not found");
}

#[actix_web::test]
async fn nobody_uses_an_instance_of_others() {
    let (server, broker) = with_instance().await;
    make_team(&server, "other").await;
    let of_team = server.user_with("t@example.com", Team, "other", &["service-instance", "app"]).await;
    let of_twin = server.user_with("i@example.com", ServiceInstance, "postgres/tododb", &["service-instance"]).await;
    for caller in [&of_team, &of_twin] {
        add(caller, "mine").await.fails(403, DENIED);
        for (method, path) in [("GET", DB.to_owned()), ("PUT", DB.into()), ("DELETE", DB.into()), ("GET", format!("{DB}/status"))] {
            caller.request(method, &path).form(&[("plan", "large")]).send().await.fails(403, DENIED);
        }
        for method in ["PUT", "DELETE"] {
            caller.request(method, "/1.0/services/mysql/instances/permission/tododb/other").send().await.fails(403, DENIED);
            caller.request(method, BIND).send().await.fails(403, DENIED);
            caller.request(method, &format!("{DB}/hello")).send().await.fails(403, DENIED);
        }
        assert_eq!(caller.get("/1.0/services/instances").send().await.ok(200).json()[0]["instances"], json!([]));
        assert_eq!(caller.get("/1.0/services/mysql").send().await.ok(200).text, "null\n");
    }
    assert!(broker.lines().is_empty());
    let own = server.user_with("own@example.com", ServiceInstance, "mysql/tododb", &["service-instance"]).await;
    own.get(DB).send().await.ok(200);
    own.put(BIND).form(&[]).send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn each_changed_field_wants_its_own_permission() {
    let (server, _broker) = with_instance().await;
    let names = ["service-instance.update.description", "service-instance.update.parameters"];
    let editor = server.user_with("e@example.com", Team, "demo", &names).await;
    let text = json!({"description": "new", "plan": "small", "teamowner": "demo", "tags": ["db"]});
    editor.put(DB).json(&text).send().await.ok(200);
    let plan = json!({"description": "new", "plan": "large", "teamowner": "demo", "tags": ["db"]});
    editor.put(DB).json(&plan).send().await.fails(403, DENIED);
}
