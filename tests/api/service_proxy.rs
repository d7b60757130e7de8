//! Requests that are passed on to brokers.

use impaas::{
    event::Event,
    permission::{ContextType::Team, Role, role::RoleInstance},
    store::{Filter, Update},
    user::User,
};
use serde_json::json;

use super::{
    broker::Broker,
    harness::Server,
    service::{DENIED, with_mysql},
    volume::make_team,
};

async fn with_db1() -> (Server, Broker) {
    let (server, broker) = with_mysql().await;
    let form = [("name", "db1"), ("owner", "demo")];
    server.admin().await.post("/1.0/services/mysql/instances").form(&form).send().await.ok(201);
    broker.seen();
    (server, broker)
}

#[actix_web::test]
async fn every_way_to_a_broker_passes_the_request_on() {
    let (server, broker) = with_db1().await;
    let admin = server.admin().await;
    for (path, expected) in [
        ("/1.0/services/mysql/proxy/db1?callback=/resources/db1/backups", "/resources/db1/backups"),
        ("/1.20/services/mysql/resources/db1/backups/today?x=1", "/resources/db1/backups/today?x=1"),
        ("/1.0/services/proxy/service/mysql?callback=/admin/x", "/admin/x"),
        ("/1.21/services/mysql/authenticated-resources/reports", "/authenticated-resources/reports"),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let reply = admin.request(method, path).body("application/x-www-form-urlencoded", "a=1").send().await.ok(200);
            assert_eq!(reply.json(), json!({"echo": format!("{method} {expected}"), "body": "a=1"}));
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_eq!((reply.header("set-cookie"), reply.header("content-security-policy")), (None, Some("sandbox")));
            let asked = broker.seen();
            assert_eq!(asked[0].headers["authorization"], "Basic bXlzcWx1c2VyOm15c3FscGFzcw==");
            assert_eq!(asked[0].headers["x-tsuru-user"], "admin@example.com");
            assert_eq!(asked[0].headers.contains_key("x-tsuru-eventid"), method != "GET");
        }
    }
    let events = server.ctx.store.of::<Event>().count(Filter::eq("kind.name", "service-instance.update.proxy")).await.unwrap();
    assert_eq!(events, 8);
}

#[actix_web::test]
async fn nobody_is_somebody_else_to_a_broker() {
    let (server, broker) = with_db1().await;
    let plain = server.user("plain@example.com").await;
    let request = plain.get("/1.21/services/mysql/authenticated-resources/reports");
    request.header("X-Tsuru-User", "admin@example.com").header("X-Tsuru-Eventid", "1").header("Cookie", "c=d").send().await.ok(200);
    let asked = broker.seen();
    assert_eq!(asked[0].headers["x-tsuru-user"], "plain@example.com");
    assert!(!asked[0].headers.contains_key("x-tsuru-eventid") && !asked[0].headers.contains_key("cookie"));
}

#[actix_web::test]
async fn the_brokers_status_and_words_come_back() {
    let (server, broker) = with_db1().await;
    broker.answers("GET /resources/db1/x", 418, "teapot");
    let reply = server.admin().await.get("/1.20/services/mysql/resources/db1/x").send().await.ok(418);
    assert_eq!(reply.text, "teapot");
}

#[actix_web::test]
async fn a_proxy_stays_in_its_instance() {
    let (server, broker) = with_db1().await;
    let admin = server.admin().await;
    for callback in
        ["/resources/other", "/resources/db1/../other", "/resources/db1/%252e%252e/other", "/resources/other/../../secret", "/..%5Cx"]
    {
        let path = format!("/1.0/services/mysql/proxy/db1?callback={callback}");
        admin.get(&path).send().await.fails(500, "invalid proxy path");
    }
    admin.get("/1.20/services/mysql/resources/db1/%2e%2e/other").send().await.fails(500, "invalid proxy path");
    admin.get("/1.21/services/mysql/authenticated-resources/%2e%2e/resources/db1").send().await.fails(500, "invalid proxy path");
    let reserved = admin.post("/1.0/services/mysql/proxy/db1?callback=/resources/db1/bind-app").send().await;
    reserved.fails(400, "proxy request POST \"bind-app\" is forbidden");
    admin.delete("/1.20/services/mysql/resources/db1/").send().await.fails(400, "proxy request DELETE \"\" is forbidden");
    assert!(broker.lines().is_empty());
}

#[actix_web::test]
async fn a_proxy_wants_its_permission() {
    let (server, broker) = with_db1().await;
    make_team(&server, "other").await;
    let stranger = server.user_with("s@example.com", Team, "other", &["service-instance", "service"]).await;
    let reader = server.user_with("r@example.com", Team, "demo", &["service-instance.read", "service.read"]).await;
    for caller in [&stranger, &reader] {
        for method in ["GET", "POST"] {
            for path in [
                "/1.0/services/mysql/proxy/db1?callback=/x",
                "/1.20/services/mysql/resources/db1/x",
                "/1.0/services/proxy/service/mysql?callback=/x",
            ] {
                caller.request(method, path).send().await.fails(403, DENIED);
            }
        }
    }
    server.nobody().get("/1.21/services/mysql/authenticated-resources/x").send().await.ok(401);
    assert!(broker.lines().is_empty());
    let admin = server.admin().await;
    admin.get("/1.20/services/mysql/resources/ghost/x").send().await.fails(404, "service instance not found");
    admin.get("/1.0/services/proxy/service/ghost").send().await.fails(404, "Service not found");
    admin.get("/1.21/services/ghost/authenticated-resources/x").send().await.fails(404, "Service not found");
}

#[actix_web::test]
async fn a_manifest_says_who_may_do_what() {
    let (server, _broker) = with_db1().await;
    let admin = server.admin().await;
    let path = "/1.31/services/mysql/manifest";
    assert_eq!(admin.get(path).send().await.ok(200).text, "null\n");
    let wanted = json!({"enabled": true, "operations": [{"method": "GET", "path": "/backups", "action": "backups.list"}]});
    admin.put(path).json(&wanted).send().await.ok(200);
    let shown = r#"{"enabled":true,"strict_actions":false,"legacy_compat":false,"operations":[{"method":"GET","path":"/backups","action":"backups.list"}]}"#;
    assert_eq!(admin.get(path).send().await.ok(200).text.trim_end(), shown);

    let backups = "/1.0/services/mysql/proxy/db1?callback=/resources/db1/backups";
    admin.get(backups).send().await.fails(403, DENIED);
    admin.get("/1.20/services/mysql/resources/db1/backups/today").send().await.ok(200);
    let role =
        bson::doc! {"_id": "lister", "contexttype": "team", "schemenames": [], "dynamic_scheme_names": ["service-action.mysql.backups"]};
    let role: Role = bson::deserialize_from_document(role).unwrap();
    server.ctx.store.of::<Role>().insert(&role).await.unwrap();
    for (email, team, status) in [("l@example.com", "demo", 200), ("o@example.com", "other", 403)] {
        let caller = server.user(email).await;
        let held = RoleInstance { name: "lister".into(), context_value: team.into() };
        server.ctx.store.of::<User>().update(Filter::eq("email", email), Update::add_to_set("roles", held)).await.unwrap();
        caller.get(backups).send().await.ok(status);
        caller.get("/1.20/services/mysql/resources/db1/other").send().await.fails(403, DENIED);
    }
    let orphans = r#"{"service":"<service>","conflicts":[{"action":"<action>","roles":["<role>"]}]}"#;
    let conflict = admin.put(path).json(&json!({"enabled": true})).send().await.fails_like(409, orphans);
    assert_eq!(conflict.json(), json!({"service": "mysql", "conflicts": [{"action": "backups.list", "roles": ["lister"]}]}));

    let both = json!({"enabled": true, "strict_actions": true, "legacy_compat": true, "operations": [
        {"method": "GET", "path": "/backups", "action": "backups.list"}, {"method": "POST", "path": "/backups", "action": "backups.make"}]});
    admin.put(path).json(&both).send().await.ok(200);
    admin.get("/1.20/services/mysql/resources/db1/other").send().await.fails(403, DENIED);
    admin.post(backups).send().await.ok(200);
    let kind = Filter::eq("kind.name", "service-action.mysql.backups.make");
    assert_eq!(server.ctx.store.of::<Event>().count(kind).await.unwrap(), 1);
}

#[actix_web::test]
async fn a_manifest_is_for_those_who_run_the_service() {
    let (server, _broker) = with_db1().await;
    let stranger = server.user_with("s@example.com", Team, "other", &["service"]).await;
    stranger.get("/1.31/services/mysql/manifest").send().await.fails(403, DENIED);
    stranger.put("/1.31/services/mysql/manifest").json(&json!({})).send().await.fails(403, DENIED);
    let admin = server.admin().await;
    for method in ["GET", "PUT"] {
        admin.request(method, "/1.31/services/ghost/manifest").send().await.fails(404, "Service not found");
    }
    let wrong = json!({"operations": [{"method": "GET", "path": "/a"}]});
    admin.put("/1.31/services/mysql/manifest").json(&wrong).send().await.fails(400, "manifest action is required for operation \"/a\"");
}
