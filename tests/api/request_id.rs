//! The id of a request: taken or made, told back, passed on to brokers and routers.

use std::sync::Arc;

use impaas::provisioner::absent::Absent;

use super::{broker::Broker, harness::Server, service::create};

const SETTINGS: &str = "request-id-header: X-Request-ID";

#[actix_web::test]
async fn the_callers_id_is_told_back_and_a_missing_one_is_made() {
    let server = Server::with_settings(Arc::new(Absent), SETTINGS).await;
    let admin = server.admin().await;
    let reply = admin.get("/1.0/plans").header("X-Request-Id", "abc-1").send().await.ok(200);
    assert_eq!(reply.header("x-request-id"), Some("abc-1"));
    let made = admin.get("/1.0/plans").send().await.ok(200);
    assert_eq!(made.header("x-request-id").map(str::len), Some(36));
    let other = server.nobody().get("/no/such/path").send().await.ok(404);
    assert!(other.header("x-request-id").is_some() && other.header("x-request-id") != made.header("x-request-id"));
}

#[actix_web::test]
async fn without_the_setting_no_header_is_told() {
    let server = Server::new().await;
    let reply = server.nobody().get("/1.0/").header("X-Request-Id", "abc-1").send().await.ok(200);
    assert!(!format!("{reply:?}").contains("abc-1"));
}

#[actix_web::test]
async fn brokers_are_told_the_id_of_the_request_that_they_are_called_for() {
    let server = Server::with_settings(Arc::new(Absent), SETTINGS).await;
    let (admin, broker) = (server.admin().await, Broker::start());
    create(&admin, "mysql", &broker.url).await.ok(201);
    let form = [("name", "db1"), ("owner", "demo")];
    admin.post("/1.0/services/mysql/instances").form(&form).header("X-Request-Id", "create-1").send().await.ok(201);
    admin.get("/1.0/services/mysql/instances/db1/status").header("X-Request-Id", "status-1").send().await.ok(200);
    let seen = broker.seen();
    let id_of = |line: &str| seen.iter().find(|seen| seen.line == line).and_then(|seen| seen.headers.get("x-request-id")).cloned();
    assert_eq!(id_of("POST /resources").as_deref(), Some("create-1"), "{seen:?}");
    assert_eq!(id_of("GET /resources/db1/status").as_deref(), Some("status-1"), "{seen:?}");
}
