//! Apps that run are changed, removed, and kept over a crash.

use reqwest::Method;
use serde_json::json;

use super::page::page;
use crate::server::{PATIENCE, Server, archive, eventually, processes};

const GREETING: &str = "os.environ.get('GREETING', 'nothing')";
/// Units do not come up while `BROKEN` is set.
const UNLESS_BROKEN: &str = "hooks:\n  restart:\n    before:\n      - test -z \"$BROKEN\"\n";

async fn with_app() -> Server {
    let server = Server::start().await;
    server.create_app("hello", "python").await;
    let page = page(GREETING);
    let files = [("app.py", page.as_str()), ("Procfile", "web: exec python3 app.py\n"), ("tsuru.yaml", UNLESS_BROKEN)];
    server.deploy("hello", &archive::of_files(&files)).await;
    server
}

async fn set(server: &Server, name: &str, value: &str, no_restart: &str) {
    let form = [("Envs.0.Name", name), ("Envs.0.Value", value), ("NoRestart", no_restart)];
    server.form(Method::POST, "/1.0/apps/hello/env", &form).await;
}

#[tokio::test]
async fn units_see_a_variable_when_it_was_set_and_not_before() {
    let server = with_app().await;
    set(&server, "GREETING", "later", "true").await;
    assert_eq!(server.ask("hello", "/").await, (200, "nothing\n".into()));
    set(&server, "OTHER", "x", "").await;
    assert_eq!(server.ask("hello", "/").await, (200, "later\n".into()));
    server.form(Method::DELETE, "/1.0/apps/hello/env", &[("env", "GREETING")]).await;
    assert_eq!(server.ask("hello", "/").await, (200, "nothing\n".into()));
    assert_eq!(server.json("/1.0/apps/hello/quota").await, json!({"limit": -1, "inuse": 1}));
}

#[tokio::test]
async fn an_update_that_does_not_come_up_is_undone() {
    let server = with_app().await;
    set(&server, "BROKEN", "yes", "true").await;
    let body = json!({"plan": "c1m1", "metadata": {"labels": [{"name": "a", "value": "b"}]}});
    let (status, text) = server.send(server.request(Method::PUT, "/1.0/apps/hello").json(&body)).await;
    assert!(status == 200 && text.contains("\"Error\":\""), "{status} {text}");
    let app = server.json("/1.0/apps/hello").await;
    assert_eq!((&app["plan"]["name"], &app["metadata"]["labels"]), (&json!("c0.1m0.2"), &json!([])));
    assert_eq!(server.ask("hello", "/").await, (200, "nothing\n".into()));
}

#[tokio::test]
async fn a_removed_app_leaves_only_the_number_of_its_last_version() {
    let server = with_app().await;
    let log = "/1.0/apps/hello/log?lines=100";
    assert_ne!(server.json(log).await, json!(null));
    server.form(Method::DELETE, "/1.0/apps/hello", &[]).await;
    assert_eq!(server.ask("hello", "/").await.0, 404);
    assert!(!server.data().join("local/apps/hello").exists());
    assert_eq!(server.send(server.request(Method::GET, "/1.0/apps/hello")).await.0, 404);
    server.create_app("hello", "static").await;
    let said = server.json(log).await.to_string();
    assert!(!said.contains("Updating units"), "{said}");
    server.deploy("hello", &archive::of_example("blog")).await;
    assert_eq!(server.json("/1.0/apps/hello").await["units"][0]["Version"], 2);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let mut server = with_app().await;
    set(&server, "GREETING", "kept", "").await;
    server.form(Method::POST, "/1.0/apps/hello/cname", &[("cname", "www.example.com")]).await;
    server.form(Method::PUT, "/1.0/apps/hello/quota", &[("limit", "3")]).await;
    server.kill();
    server.start_again().await;
    server.wait_for("hello", "/", "kept").await;
    let (status, text) = server.send(server.at_host("www.example.com", "/")).await;
    assert_eq!((status, text.as_str()), (200, "kept\n"));
    let app = server.json("/1.0/apps/hello").await;
    assert_eq!((&app["cname"], &app["quota"]), (&json!(["www.example.com"]), &json!({"limit": 3, "inuse": 1})));
}

/// It answers, and cannot be asked to end.
const STAYS: &str = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n";

#[tokio::test]
async fn a_removal_cut_by_a_crash_is_finished_by_the_next_one() {
    let mut server = Server::start().await;
    server.create_app("hello", "python").await;
    let marker = format!("removal-{:032x}", rand::random::<u128>());
    let (page, procfile) = (format!("{STAYS}{}", page(GREETING)), format!("web: exec python3 app.py {marker}\n"));
    server.deploy("hello", &archive::of_files(&[("app.py", &page), ("Procfile", &procfile)])).await;
    let removal = tokio::spawn(server.request(Method::DELETE, "/1.0/apps/hello").send());
    eventually("the app stops answering", PATIENCE, async || server.ask("hello", "/").await.0 != 200).await;
    server.kill();
    removal.abort();
    server.start_again().await;
    let (status, text) = server.send(server.request(Method::DELETE, "/1.0/apps/hello")).await;
    // The crash may have come after the last step.
    assert!(status == 404 || text.contains("Done removing application."), "{status} {text}");
    assert_eq!(server.send(server.request(Method::GET, "/1.0/apps/hello")).await.0, 404);
    assert!(!server.data().join("local/apps/hello").exists());
    eventually("no process of the app is left", PATIENCE, async || processes::with_words(&marker).is_empty()).await;
    server.create_app("hello", "static").await;
    server.deploy("hello", &archive::of_example("blog")).await;
    assert_eq!(server.json("/1.0/apps/hello").await["units"][0]["Version"], 2);
}
