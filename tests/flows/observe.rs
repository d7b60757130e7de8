//! What an operator sees of a running server: its log, and its metrics on an address of their own.

use std::time::Duration;

use serde_json::Value;

use crate::server::{Server, eventually, free_port};

const FOLDER_OF_SETTINGS: &str = "request-id-header: X-Request-ID\nlog:\n  format: json\n  level: info\n";

async fn with_settings(flags: &[&str]) -> Server {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), FOLDER_OF_SETTINGS).unwrap();
    Server::start_with(&[flags, &["--config", file.path().to_str().unwrap()]].concat()).await
}

fn lines(server: &Server) -> Vec<Value> {
    let log = server.log();
    // The last line may be half written at this moment.
    log.split_inclusive('\n')
        .filter(|line| line.starts_with('{') && line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

fn of_request(server: &Server, id: &str) -> Option<Value> {
    lines(server).into_iter().find(|line| line["span"]["request_id"] == id && line["target"] == "impaas::access")
}

#[tokio::test]
async fn each_request_is_a_json_line_with_its_id_and_without_secrets() {
    let server = with_settings(&[]).await;
    let request = server.request(reqwest::Method::GET, "/1.0/apps/no-such-app?token=hush").header("X-Request-ID", "mine-1");
    assert_eq!(server.send(request).await.0, 404);
    eventually("the line is there", Duration::from_secs(20), async || of_request(&server, "mine-1").is_some()).await;
    let line = of_request(&server, "mine-1").unwrap();
    assert_eq!((&line["level"], &line["status"], &line["message"]), (&"INFO".into(), &404.into(), &"answered".into()), "{line}");
    assert_eq!((&line["span"]["method"], &line["span"]["route"]), (&"GET".into(), &"/apps/{app}".into()), "{line}");
    assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    let log: String = lines(&server).iter().map(Value::to_string).collect();
    for secret in ["hush", &server.token, "no-such-app"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[tokio::test]
async fn metrics_answer_on_their_own_address_only() {
    let own = format!("127.0.0.1:{}", free_port());
    let server = Server::start_with(&["--metrics-listen", &own]).await;
    let (status, text) = server.send(server.http.get(format!("http://{own}/metrics"))).await;
    assert_eq!(status, 200);
    assert!(text.contains("impaas_build_info{"), "{text}");
    assert_eq!(server.send(server.http.get(format!("http://{own}/apps"))).await.0, 404);
    assert_eq!(server.send(server.http.get(server.url("/metrics"))).await.0, 404);
}
