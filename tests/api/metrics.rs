//! Numbers for Prometheus.

use super::harness::Server;

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
    assert_eq!(number(&server, "impaas_events_failed_total{kind=\"plan.create\"}").await, 1.0);
    assert_eq!(number(&server, "impaas_events_refused_total{why=\"blocked\"}").await, 1.0);
}

#[actix_web::test]
async fn the_process_and_the_store_are_measured() {
    let server = Server::new().await;
    assert!(number(&server, "process_resident_memory_bytes").await > 1e6);
    assert!(number(&server, "process_cpu_seconds_total").await >= 0.0);
    let before = number(&server, "impaas_store_commands_total{kind=\"read\"}").await;
    server.admin().await.get("/1.0/plans").send().await.ok(200);
    assert!(number(&server, "impaas_store_commands_total{kind=\"read\"}").await > before);
}
