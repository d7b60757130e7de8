//! A job through the whole server: made, run by the clock and on demand, killed with -9 in between.

use reqwest::Method;
use serde_json::{Value, json};

use super::gate::{Gate, WAIT};
use crate::server::{PATIENCE, Server, eventually};

async fn logged(server: &Server, job: &str) -> Vec<String> {
    let lines = server.json(&format!("/1.13/jobs/{job}/log?lines=1000")).await;
    lines.as_array().expect("lines").iter().map(|line| line["Message"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn make(server: &Server, job: &Value) {
    let (status, text) = server.send(server.request(Method::POST, "/1.13/jobs").json(job)).await;
    assert_eq!(status, 201, "{text}");
}

#[tokio::test]
async fn a_kill_of_the_server_loses_no_job_and_no_run() {
    let (mut server, gate) = (Server::start().await, Gate::new().await);
    let container = |command: &[&str]| json!({"image": "tsuru/python", "command": command});
    let often = json!({"name": "often", "teamOwner": "demo", "schedule": "@every 2s", "container": container(&["sh", "-c", "echo tick"])});
    let command = container(&["python3", "-c", WAIT, &gate.port().to_string()]);
    let long = json!({"name": "long", "teamOwner": "demo", "manual": true, "container": command});
    for job in [&often, &long] {
        make(&server, job).await;
    }
    server.form(Method::POST, "/1.13/jobs/long/trigger", &[]).await;
    let waiting = gate.reached().await;
    eventually("the long run began", PATIENCE, || async { logged(&server, "long").await == ["at the gate"] }).await;
    eventually("the clock runs", PATIENCE, || async { !logged(&server, "often").await.is_empty() }).await;
    server.kill();
    server.start_again().await;
    let before = logged(&server, "often").await.len();
    waiting.let_through().await;
    let all = ["at the gate", "through the gate"];
    eventually("the long run ended", PATIENCE, || async { logged(&server, "long").await == all }).await;
    eventually("the clock still runs", PATIENCE, || async { logged(&server, "often").await.len() > before }).await;
    eventually("the run is seen to have ended, and once", PATIENCE, || async {
        let unit = server.json("/1.13/jobs/long").await["units"][0].clone();
        unit["Status"] == "succeeded" && unit["Restarts"] == 0
    })
    .await;
    eventually("its end is an event", PATIENCE, || async {
        let events = server.json("/1.1/events?kindname=job.run").await;
        events.as_array().is_some_and(|events| events.iter().any(|event| event["Target"]["Value"] == "long"))
    })
    .await;
    server.form(Method::DELETE, "/1.13/jobs/often", &[]).await;
    let (status, _) = server.send(server.request(Method::GET, "/1.13/jobs/often")).await;
    assert_eq!(status, 404);
}
