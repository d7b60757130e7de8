//! Numbers for Prometheus.

use std::sync::Arc;

use impaas::provisioner::absent::Absent;

use super::{
    deploy::{self, deploy},
    harness::Server,
    service::with_mysql,
};

async fn number(server: &Server, series: &str) -> f64 {
    let text = server.nobody().get("/metrics").send().await.ok(200).text;
    let line = text.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("{series} is not in {text}"));
    line.trim().parse().unwrap()
}

#[actix_web::test]
async fn requests_are_counted_by_route_and_never_by_name() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.get("/1.8/pools/secret-pool").send().await.ok(404);
    admin.get("/pools/other-pool").send().await.ok(404);
    admin.get("/no/such/route").send().await.ok(404);
    let series = "impaas_http_requests_total{method=\"GET\",route=\"/pools/{name}\",status=\"404\"}";
    assert_eq!(number(&server, series).await, 2.0);
    assert_eq!(number(&server, "impaas_http_requests_total{method=\"any\",route=\"none\",status=\"404\"}").await, 1.0);
    assert_eq!(number(&server, "impaas_http_request_seconds_count{method=\"GET\",route=\"/pools/{name}\"}").await, 2.0);
    assert_eq!(number(&server, "impaas_http_requests_running").await, 1.0);
    let reply = server.nobody().get("/1.2/metrics").send().await.ok(200);
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for name in ["secret-pool", "other-pool", "such", "admin@"] {
        assert!(!reply.text.contains(name), "{name}");
    }
}

#[actix_web::test]
async fn events_are_counted_by_kind_and_outcome() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/plans").form(&[("name", "tiny")]).send().await.ok(201);
    admin.post("/1.0/plans").form(&[("name", "tiny")]).send().await.ok(409);
    admin.post("/1.3/events/blocks").form(&[("KindName", "plan.delete"), ("Reason", "no")]).send().await.ok(200);
    admin.delete("/1.0/plans/tiny").send().await.ok(500);
    assert_eq!(number(&server, "impaas_events_begun_total{kind=\"plan.create\"}").await, 2.0);
    assert_eq!(number(&server, "impaas_events_ended_total{kind=\"plan.create\",outcome=\"ok\"}").await, 1.0);
    assert_eq!(number(&server, "impaas_events_ended_total{kind=\"plan.create\",outcome=\"error\"}").await, 1.0);
    assert_eq!(number(&server, "impaas_event_seconds_count{kind=\"plan.create\"}").await, 2.0);
    assert_eq!(number(&server, "impaas_events_refused_total{why=\"blocked\"}").await, 1.0);
    assert_eq!(number(&server, "impaas_lock_wait_seconds_count{outcome=\"taken\",target=\"plan\"}").await, 2.0);
    assert_eq!(number(&server, "impaas_events_running").await, 0.0);
}

#[actix_web::test]
async fn the_process_and_the_store_are_measured() {
    let server = Server::new().await;
    assert!(number(&server, "process_resident_memory_bytes").await > 1e6);
    assert!(number(&server, "process_cpu_seconds_total").await >= 0.0);
    assert!(number(&server, "process_open_fds").await > 2.0);
    assert!(number(&server, "process_start_time_seconds").await > 1.7e9);
    let version = format!("impaas_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(number(&server, &version).await, 1.0);
    let series = "impaas_store_command_seconds_count{collection=\"plans\",operation=\"insert\"}";
    let before = number(&server, series).await;
    let admin = server.admin().await;
    admin.post("/1.0/plans").form(&[("name", "tiny")]).send().await.ok(201);
    assert_eq!(number(&server, series).await, before + 1.0);
    admin.post("/1.0/plans").form(&[("name", "tiny")]).send().await.ok(409);
    assert_eq!(number(&server, "impaas_store_errors_total{error=\"duplicate\",operation=\"insert\"}").await, 1.0);
}

#[actix_web::test]
async fn logins_are_counted_by_outcome() {
    let server = Server::new().await;
    let nobody = server.nobody();
    nobody.post("/1.0/users/admin@example.com/tokens").form(&[("password", "wrong")]).send().await.ok(401);
    nobody.post("/1.0/auth/login").form(&[("email", "ghost@example.com"), ("password", "wrong")]).send().await.ok(401);
    nobody.post("/1.0/users/admin@example.com/tokens").send().await.ok(400);
    assert_eq!(number(&server, "impaas_logins_total{outcome=\"refused\",scheme=\"native\"}").await, 3.0);
}

#[actix_web::test]
async fn deploys_and_units_are_counted_and_no_name_is_a_label() {
    let (server, _memory) = deploy::server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    deploy(&admin, &[("origin", "image"), ("image", "none/such")]).await;
    let text = server.nobody().get("/metrics").send().await.ok(200).text;
    assert!(text.contains("impaas_deploys_total{kind=\"upload\",outcome=\"ok\"} 1"), "{text}");
    assert!(text.contains("impaas_deploy_seconds_count{kind=\"upload\"} 1"), "{text}");
    assert!(text.contains("impaas_events_ended_total{kind=\"app.deploy\",outcome=\"ok\"}"), "{text}");
    assert_no_names(&text, &["a", "demo", "admin@example.com", "static"]);
}

#[actix_web::test]
async fn actions_that_services_define_are_counted_together() {
    let (server, _broker) = with_mysql().await;
    let admin = server.admin().await;
    admin.post("/1.0/services/mysql/instances").form(&[("name", "db1"), ("owner", "demo")]).send().await.ok(201);
    admin.post("/1.20/services/mysql/resources/db1/backups").send().await.ok(200);
    let text = server.nobody().get("/metrics").send().await.ok(200).text;
    assert_no_names(&text, &["mysql", "db1", "demo", "admin@example.com"]);
}

#[track_caller]
fn assert_no_names(exposition: &str, names: &[&str]) {
    let samples = exposition.lines().filter(|line| !line.starts_with('#'));
    let values: Vec<&str> = samples.flat_map(|line| line.split('"').skip(1).step_by(2)).collect();
    assert!(values.len() > 20, "{exposition}");
    for value in values {
        assert!(!names.contains(&value), "a label says {value}");
        assert!(!value.split('/').any(|part| names.contains(&part)), "a route says {value}");
    }
}

#[actix_web::test]
async fn metrics_with_an_address_of_their_own_are_not_on_the_apis() {
    let server = Server::with_settings(Arc::new(Absent), "metrics-listen: 127.0.0.1:9090").await;
    server.nobody().get("/metrics").send().await.fails(404, "404 page not found");
    assert!(server.ctx.exposition().unwrap().contains("impaas_build_info"));
}
