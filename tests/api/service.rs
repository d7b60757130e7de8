//! Services: making, seeing, changing, removing them, and who may.

use impaas::{
    event::Event,
    permission::ContextType::{Service as OfService, Team},
    service::Service,
    store::{Filter, Update},
};
use serde_json::json;

use super::{
    broker::Broker,
    harness::{Caller, Reply, Server},
    volume::make_team,
};

pub const DENIED: &str = "You don't have permission to do this action";
const PASSWORD: &str = "mysqlpass";

/// A server with the service `mysql` of team demo, and its broker.
pub async fn with_mysql() -> (Server, Broker) {
    let (server, broker) = (Server::new().await, Broker::start());
    create(&server.admin().await, "mysql", &broker.url).await.ok(201);
    (server, broker)
}

/// As the stock client makes one.
pub async fn create(caller: &Caller<'_>, name: &str, endpoint: &str) -> Reply {
    let form = [
        ("endpoint", endpoint),
        ("id", name),
        ("multi-cluster", "false"),
        ("password", PASSWORD),
        ("team", "demo"),
        ("username", "mysqluser"),
    ];
    caller.post("/1.0/services").form(&form).send().await
}

#[actix_web::test]
async fn a_service_lives_from_create_to_remove() {
    let (server, broker) = with_mysql().await;
    let admin = server.admin().await;
    create(&admin, "mysql", &broker.url).await.fails(409, "Service already exists.");
    let list = r#"[{"service":"mysql","instances":null,"plans":null,"service_instances":null}]"#;
    assert_eq!(admin.get("/1.0/services").send().await.ok(200).text.trim_end(), list);
    let usable = r#"[{"service":"mysql","instances":[],"plans":null,"service_instances":null}]"#;
    assert_eq!(admin.get("/1.0/services/instances").send().await.ok(200).text.trim_end(), usable);
    let info = admin.get("/1.0/services/mysql").send().await.ok(200);
    assert_eq!((info.text.as_str(), info.header("content-type")), ("null\n", Some("text/plain; charset=utf-8")));
    let plans = admin.get("/1.0/services/mysql/plans?pool=").send().await.ok(200);
    let expected = r#"[{"Name":"small","Description":"one shared schema"},{"Name":"large","Description":""}]"#;
    assert_eq!(plans.text.trim_end(), expected);
    assert_eq!(broker.seen()[0].headers["authorization"], "Basic bXlzcWx1c2VyOm15c3FscGFzcw==");

    assert_eq!(admin.get("/1.0/services/mysql/doc").send().await.ok(200).text, "");
    admin.put("/1.0/services/mysql/doc").form(&[("doc", "use me well")]).send().await.ok(200);
    assert_eq!(admin.get("/1.0/services/mysql/doc").send().await.ok(200).text, "use me well");

    let json = json!({"username": "u2", "password": "p2", "team": "demo", "endpoints": {"production": broker.url}});
    admin.put("/1.0/services/mysql").json(&json).send().await.ok(200);
    admin.get("/1.0/services/mysql/plans").send().await.ok(200);
    assert_eq!(broker.seen()[0].headers["authorization"], "Basic dTI6cDI=");

    admin.delete("/1.0/services/mysql").send().await.ok(200);
    admin.get("/1.0/services").send().await.ok(204);
    for (method, path) in
        [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/plans"), ("GET", "/doc"), ("PUT", "/doc"), ("PUT", "/team/demo")]
    {
        let form = [("password", "p")];
        admin.request(method, &format!("/1.0/services/mysql{path}")).form(&form).send().await.fails(404, "Service not found");
    }
}

#[actix_web::test]
async fn wrong_services_are_refused_with_the_words_of_the_contract() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let try_one = async |form: &[(&str, &str)], status: u16, text: &str| {
        admin.post("/1.0/services").form(form).send().await.fails(status, text);
    };
    let ambiguous = "You must provide a team responsible for this service in the manifest file.";
    try_one(&[("id", "x"), ("password", "p"), ("endpoint", "e")], 400, ambiguous).await;
    try_one(&[("team", "demo"), ("password", "p"), ("endpoint", "e")], 400, "Service id is required").await;
    let name = "Invalid service id, should have at most 40 characters, containing only lower case letters, numbers or dashes, starting with a letter.";
    try_one(&[("id", "My SQL"), ("team", "demo"), ("password", "p"), ("endpoint", "e")], 400, name).await;
    try_one(&[("id", "x"), ("team", "demo"), ("endpoint", "e")], 400, "Service password is required").await;
    try_one(&[("id", "x"), ("team", "demo"), ("password", "p")], 400, "At least one endpoint is required").await;
    try_one(&[("id", "x"), ("team", "ghosts"), ("password", "p"), ("endpoint", "e")], 400, "Team owner doesn't exist").await;
    let encoding = r#"Invalid encoding "xml", valid options are: form, json"#;
    try_one(&[("id", "x"), ("team", "demo"), ("encoding", "xml")], 400, encoding).await;
    create(&admin, "mysql", "http://127.0.0.1:1").await.ok(201);
    admin.put("/1.0/services/mysql").form(&[("endpoint", "e")]).send().await.fails(400, "Service password is required");
    let member = server.user_with("one@example.com", Team, "demo", &["service.create"]).await;
    member.post("/1.0/services").form(&[("id", "mine"), ("password", "p"), ("endpoint", "e")]).send().await.ok(201);
    let nobody = server.user("none@example.com").await;
    nobody.post("/1.0/services").form(&[("id", "y"), ("password", "p"), ("endpoint", "e")]).send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn the_password_is_neither_stored_in_clear_nor_shown() {
    let (server, broker) = with_mysql().await;
    let admin = server.admin().await;
    let again = [("endpoint", broker.url.as_str()), ("password", PASSWORD)];
    admin.put("/1.0/services/mysql").form(&again).send().await.ok(200);
    for collection in ["services", "events"] {
        let stored = format!("{:?}", server.ctx.store.backend().dump(collection).await.unwrap());
        assert!(!stored.contains(PASSWORD), "{collection}");
    }
    for path in ["/1.0/services", "/1.0/services/instances", "/1.0/services/mysql", "/1.1/events"] {
        assert!(!admin.get(path).send().await.ok(200).text.contains(PASSWORD), "{path}");
    }
    let stored = server.ctx.store.of::<Service>().get(Filter::id("mysql")).await.unwrap().unwrap();
    assert_eq!(stored.password.expose(), PASSWORD);
}

#[actix_web::test]
async fn teams_are_let_in_and_out() {
    let (server, _broker) = with_mysql().await;
    let admin = server.admin().await;
    make_team(&server, "other").await;
    let alone = "You can not revoke the access from this team, because it is the unique team with access to this service, and a service can not be orphaned";
    admin.put("/1.0/services/mysql/team/ghosts").send().await.fails(400, "Team not found");
    admin.delete("/1.0/services/mysql/team/ghosts").send().await.fails(400, "Team not found");
    admin.put("/1.0/services/mysql/team/other").send().await.ok(200);
    admin.put("/1.0/services/mysql/team/other").send().await.fails(409, "This team already has access to this service");
    admin.delete("/1.0/services/mysql/team/other").send().await.fails(403, alone);
    admin.put("/1.0/services/mysql/team/demo").send().await.ok(200);
    admin.delete("/1.0/services/mysql/team/other").send().await.ok(200);
    make_team(&server, "third").await;
    admin.put("/1.0/services/mysql/team/third").send().await.ok(200);
    admin.delete("/1.0/services/mysql/team/other").send().await.fails(409, "This team does not have access to this service");
}

#[actix_web::test]
async fn a_service_with_instances_stays() {
    let (server, _broker) = with_mysql().await;
    let admin = server.admin().await;
    admin.post("/1.0/services/mysql/instances").form(&[("name", "db"), ("owner", "demo")]).send().await.ok(201);
    let text = "This service cannot be removed because it has instances.\nPlease remove these instances before removing the service.";
    admin.delete("/1.0/services/mysql").send().await.fails(403, text);
}

#[actix_web::test]
async fn nobody_changes_a_service_of_others() {
    let (server, _broker) = with_mysql().await;
    make_team(&server, "other").await;
    let of_team = server.user_with("t@example.com", Team, "other", &["service"]).await;
    let of_other = server.user_with("s@example.com", OfService, "postgres", &["service"]).await;
    for caller in [&of_team, &of_other] {
        create(caller, "mine", "http://127.0.0.1:1").await.fails(403, DENIED);
        for (method, path) in
            [("PUT", ""), ("DELETE", ""), ("PUT", "/doc"), ("PUT", "/team/other"), ("DELETE", "/team/other"), ("GET", "/proxy")]
        {
            let path = if path == "/proxy" { "/1.0/services/proxy/service/mysql".into() } else { format!("/1.0/services/mysql{path}") };
            caller.request(method, &path).form(&[("password", "p")]).send().await.fails(403, DENIED);
        }
        caller.get("/1.0/services").send().await.ok(204);
    }
    for (i, (kind, value)) in [(Team, "demo"), (OfService, "mysql")].into_iter().enumerate() {
        let owner = server.user_with(&format!("o{i}@example.com"), kind, value, &["service"]).await;
        owner.put("/1.0/services/mysql/doc").form(&[("doc", "x")]).send().await.ok(200);
        assert_eq!(owner.get("/1.0/services").send().await.ok(200).json()[0]["service"], "mysql");
    }
}

#[actix_web::test]
async fn a_restricted_service_is_for_its_teams() {
    let (server, _broker) = with_mysql().await;
    make_team(&server, "other").await;
    server
        .ctx
        .store
        .of::<Service>()
        .update(Filter::id("mysql"), Update::set("is_restricted", true).and_set("teams", ["other"]))
        .await
        .unwrap();
    let demo = server.user_with("d@example.com", Team, "demo", &["service-instance", "service.read"]).await;
    let other = server.user_with("o@example.com", Team, "other", &["service-instance", "service.read"]).await;
    for path in ["/1.0/services/mysql/plans", "/1.0/services/mysql/doc"] {
        demo.get(path).send().await.fails(403, DENIED);
        other.get(path).send().await.ok(200);
    }
    demo.get("/1.0/services/instances").send().await.ok(204);
    assert_eq!(other.get("/1.0/services/instances").send().await.ok(200).json()[0]["service"], "mysql");
    demo.post("/1.0/services/mysql/instances").form(&[("name", "db"), ("owner", "demo")]).send().await.fails(403, DENIED);
    other.post("/1.0/services/mysql/instances").form(&[("name", "db"), ("owner", "other")]).send().await.ok(201);
}

#[actix_web::test]
async fn brokers_are_not_sought_where_only_machines_of_a_cloud_should_go() {
    let server = Server::new().await;
    let admin = server.admin().await;
    for endpoint in ["http://169.254.169.254/latest", "[fd00:ec2::254]", "http://[::ffff:a9fe:a9fe]"] {
        let form = [("endpoint", endpoint), ("password", "p"), ("id", "meta"), ("team", "demo")];
        admin.post("/1.0/services").form(&form).send().await.ok(201);
        let refused = admin.get("/1.0/services/meta/plans").send().await.ok(500);
        assert!(refused.text.contains("may not be reached from this server"), "{}", refused.text);
        let proxied = admin.get("/1.0/services/proxy/service/meta?callback=/meta-data").send().await.ok(500);
        assert!(proxied.text.contains("may not be reached from this server"), "{}", proxied.text);
        admin.delete("/1.0/services/meta").send().await.ok(200);
    }
}

#[actix_web::test]
async fn the_event_of_a_creation_masks_the_password() {
    let (server, _broker) = with_mysql().await;
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "service.create")).await.unwrap().unwrap();
    assert!(format!("{:?}", event.start_data).contains("*****"));
    assert_eq!(event.target.value, "mysql");
}
