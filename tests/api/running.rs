//! What runs: units, restart, stop, start, logs, commands, shells.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use impaas::{app::App, event::Event, permission::ContextType, store::Filter};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{
    app::other_team,
    deploy::{deploy, server},
    harness::{Reply, Server},
};
use crate::contract::cases::asserted;

const FORBIDDEN: &str = "You don't have permission to do this action";

/// The messages of a stream, and its error.
fn stream(reply: &Reply) -> (String, String) {
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let part = |name: &str| lines.iter().filter_map(|line| line[name].as_str()).collect::<String>();
    (part("Message"), part("Error"))
}

#[actix_web::test]
async fn units_are_added_and_taken() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    admin.put("/1.0/apps/a/units").form(&[("units", "1")]).send().await.fails(500, "no versions available for app");
    deploy(&admin, &[]).await.ok(200);
    let web = [("units", "2"), ("process", "web"), ("version", "1")];
    let (said, _) = stream(&admin.put("/1.0/apps/a/units").form(&web).send().await.ok(200));
    assert!(said.starts_with("---- Patching from 1 to 3 units ----\n"), "{said}");
    assert_eq!(memory.shape("a"), [(1, "web".into(), 3, true), (1, "worker".into(), 1, false)]);
    admin.delete("/1.0/apps/a/units?units=1&process=web&version=").send().await.ok(200);
    admin.delete("/1.0/apps/a/units").json(&json!({"units": 1, "process": "web"})).send().await.ok(200);
    let (said, _) = stream(&admin.delete("/1.0/apps/a/units?units=5&process=web").send().await.ok(200));
    assert!(said.starts_with("---- Calling app stop internally as the number of units is zero ----\n"), "{said}");
    assert_eq!(memory.shape("a")[0], (1, "web".into(), 0, true));
    admin.post("/1.0/apps/a/start").form(&[("process", "web")]).send().await.ok(200);
    assert_eq!(memory.shape("a")[0].2, 1);
}

#[actix_web::test]
async fn wrong_numbers_of_units_are_refused() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    let wrong = "Invalid number of units: the number must be an integer greater than 0.";
    let missing = "You must provide the number of units.";
    admin.put("/1.0/apps/a/units").form(&[("process", "web")]).send().await.fails(400, missing);
    admin.delete("/1.0/apps/a/units").send().await.fails(400, missing);
    for units in ["0", "x", "-1", "1.5", "99999999999"] {
        admin.put("/1.0/apps/a/units").form(&[("units", units)]).send().await.fails(400, wrong);
        admin.delete(&format!("/1.0/apps/a/units?units={units}")).send().await.fails(400, wrong);
    }
    let add = |fields: &[(&str, &str)]| admin.put("/1.0/apps/a/units").form(fields);
    let failure = |text: &str| format!("\n---- ERROR during add units: ----\n{text}\n\n");
    let open = failure("no process name specified and more than one declared in Procfile");
    add(&[("units", "1")]).send().await.fails(500, open.trim_end());
    let unknown = failure("no command declared in Procfile for process \"x\"");
    add(&[("units", "1"), ("process", "x")]).send().await.fails(500, unknown.trim_end());
    add(&[("units", "1"), ("version", "9")]).send().await.fails(500, "Invalid version: 9");
    admin.put("/1.0/apps/a/quota").form(&[("limit", "3")]).send().await.ok(200);
    let quota = failure("Quota exceeded. Available: 1, Requested: 2.");
    add(&[("units", "2"), ("process", "web")]).send().await.fails(500, quota.trim_end());
    add(&[("units", "1"), ("process", "web")]).send().await.ok(200);
    deploy(&admin, &[("override-versions", "1")]).await.ok(200);
    assert_eq!(memory.shape("a")[0].2, 2);
    admin.post("/1.0/apps/a/stop").send().await.ok(200);
    admin.put("/1.0/apps/a/quota").form(&[("limit", "1")]).send().await.ok(200);
    let (_, error) = stream(&admin.post("/1.0/apps/a/start").send().await.ok(200));
    assert_eq!(error, "\n---- ERROR during start: ----\nQuota exceeded. Available: 1, Requested: 3.\n");
}

#[actix_web::test]
async fn stop_and_start_keep_the_number_of_units() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    let nothing = stream(&admin.post("/1.0/apps/a/restart").send().await.ok(200));
    assert_eq!(nothing, ("---- Restarting the app \"a\" ----\n".into(), String::new()));
    deploy(&admin, &[]).await.ok(200);
    admin.put("/1.0/apps/a/units").form(&[("units", "2"), ("process", "worker")]).send().await.ok(200);
    let (said, _) = stream(&admin.post("/1.0/apps/a/stop").form(&[("process", ""), ("version", "")]).send().await.ok(200));
    assert!(said.starts_with("\n ---> Stopping the app \"a\"\n"), "{said}");
    assert!(memory.shape("a").iter().all(|process| process.2 == 0));
    let (said, _) = stream(&admin.post("/1.0/apps/a/start").send().await.ok(200));
    assert!(said.starts_with("\n ---> Starting the app \"a\"\n"), "{said}");
    let units: Vec<_> = memory.shape("a").into_iter().map(|process| process.2).collect();
    assert_eq!(units, [1, 3]);
    let (said, _) = stream(&admin.post("/1.0/apps/a/stop").form(&[("process", "worker")]).send().await.ok(200));
    assert!(said.starts_with("\n ---> Stopping the process \"worker\"\n"), "{said}");
    let (said, error) = stream(&admin.post("/1.0/apps/a/restart").form(&[("process", "x")]).send().await.ok(200));
    assert_eq!(said, "---- Restarting process \"x\" ----\n");
    assert_eq!(error, "\n---- ERROR during restart: ----\nno command declared in Procfile for process \"x\"\n");
    admin.post("/1.0/apps/a/restart").form(&[("version", "7")]).send().await.fails(500, "Invalid version: 7");
}

#[actix_web::test]
async fn a_unit_is_killed_only_in_its_own_app() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    super::app::create(&admin, "b").await;
    admin.delete("/1.12/apps/b/units/a-web-1-0").send().await.fails(404, "unit \"a-web-1-0\" not found");
    admin.delete("/1.12/apps/a/units/a-web-1-0?force=true").send().await.ok(200);
    assert_eq!(memory.killed(), ["a-web-1-0 true"]);
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "app.update.unit.kill").and(Filter::eq("error", ""))).await;
    let data = event.unwrap().unwrap().start_data.unwrap();
    assert_eq!(data, bson::bson!([{"unit": "a-web-1-0", "force": true}]));
}

#[actix_web::test]
async fn everything_needs_its_permission_in_that_app() {
    let (server, _) = server().await;
    other_team(&server).await;
    deploy(&server.admin().await, &[]).await.ok(200);
    let foreign = server.user_with("fo@x.org", ContextType::Team, "other", &["app"]).await;
    let reader = server.user_with("re@x.org", ContextType::Team, "demo", &["app.read.info"]).await;
    for caller in [foreign, reader] {
        caller.put("/1.0/apps/a/units").form(&[("units", "1")]).send().await.fails(403, FORBIDDEN);
        caller.delete("/1.0/apps/a/units?units=1").send().await.fails(403, FORBIDDEN);
        caller.delete("/1.12/apps/a/units/a-web-1-0").send().await.fails(403, FORBIDDEN);
        for action in ["restart", "start", "stop", "log"] {
            caller.post(&format!("/1.0/apps/a/{action}")).send().await.fails(403, FORBIDDEN);
        }
        caller.get("/1.0/apps/a/log?lines=1").send().await.fails(403, FORBIDDEN);
        caller.get("/1.8/apps/a/log-instance?lines=1").send().await.fails(403, FORBIDDEN);
        caller.post("/1.0/apps/a/run").form(&[("command", "ls")]).send().await.fails(403, FORBIDDEN);
    }
    let events = server.ctx.store.of::<Event>().find(Filter::any_of("owner.name", ["fo@x.org", "re@x.org"])).await.unwrap();
    assert!(events.is_empty(), "a refusal writes no event");
    let narrow = server.user_with("na@x.org", ContextType::App, "a", &["app.update.stop", "app.run"]).await;
    narrow.post("/1.0/apps/a/stop").send().await.ok(200);
    narrow.post("/1.0/apps/a/start").send().await.fails(403, FORBIDDEN);
}

#[actix_web::test]
async fn commands_run_in_units_in_one_or_apart() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    let run = |fields: &[(&str, &str)]| admin.post("/1.0/apps/a/run").form(fields);
    run(&[("command", "")]).send().await.fails(400, "You must provide the command to run");
    run(&[("command", "ls")]).send().await.fails(500, "App must be available to run non-isolated commands");
    run(&[("command", "ls"), ("isolated", "true")]).send().await.fails(500, "no versions available for app");
    deploy(&admin, &[]).await.ok(200);
    let all = stream(&run(&[("command", "echo hi"), ("once", "false"), ("isolated", "false")]).send().await.ok(200));
    assert_eq!(all, ("echo hi\necho hi\n".into(), String::new()));
    let once = stream(&admin.post("/1.0/apps/a/run").json(&json!({"command": "id", "once": true})).send().await.ok(200));
    assert_eq!(once.0, "id\n");
    let (said, error) =
        stream(&run(&[("command", "exit 3"), ("isolated", "1")]).send().await.says(200, "command terminated with exit code 3"));
    assert_eq!((said.as_str(), error.as_str()), ("exit 3\n", "command terminated with exit code 3"));
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "app.run").and(Filter::ne("error", ""))).await.unwrap().unwrap();
    assert_eq!(event.allowed_cancel.scheme, "app.run");
    crate::server::eventually("commands are in the log", crate::server::PATIENCE, || async {
        let log = admin.get("/1.0/apps/a/log?lines=99&source=app-run").send().await.ok(200);
        log.text.contains("running 'exit 3'")
    })
    .await;
}

#[actix_web::test]
async fn logs_are_arrays_filtered_as_asked() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    admin.get("/1.0/apps/a/log").send().await.fails(400, "Parameter \"lines\" is mandatory.");
    admin.get("/1.0/apps/a/log?lines=x").send().await.fails(400, "Parameter \"lines\" must be an integer.");
    assert_eq!(admin.get("/1.0/apps/a/log?lines=5").send().await.ok(200).text, "[]\n");
    let form = [("message", "one"), ("message", "two"), ("source", "test"), ("unit", "u1")];
    admin.post("/1.0/apps/a/log").form(&form).send().await.ok(200);
    admin.post("/1.0/apps/a/log").json(&json!({"message": ["three"]})).send().await.ok(200);
    let reply = admin.get("/1.0/apps/a/log?lines=5").send().await.ok(200);
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    let lines = reply.json();
    let (keys, first) = (lines[0].as_object().unwrap().keys().len(), &lines[0]);
    assert_eq!((keys, &first["Name"], &first["Type"], &first["Unit"]), (6, &json!("a"), &json!("app"), &json!("u1")));
    let messages = |reply: Reply| reply.json().as_array().unwrap().iter().map(|line| line["Message"].clone()).collect::<Vec<_>>();
    let get = |query: &str| admin.get(&format!("/1.8/apps/a/log-instance?{query}"));
    assert_eq!(messages(get("lines=1").send().await), ["three"]);
    assert_eq!(messages(get("lines=9&source=test").send().await), ["one", "two"]);
    assert_eq!(messages(get("lines=9&source=test&invert-source=true").send().await), ["three"]);
    assert_eq!(messages(get("lines=9&unit=u1&unit=u2").send().await), ["one", "two"]);
}

#[actix_web::test]
async fn a_long_log_comes_whole() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    let messages: Vec<String> = (0..2500).map(|n| n.to_string()).collect();
    admin.post("/1.0/apps/a/log").json(&json!({ "message": messages })).send().await.ok(200);
    let reply = admin.get("/1.0/apps/a/log?lines=2400").send().await.ok(200);
    let found: Vec<Value> =
        reply.text.lines().flat_map(|line| serde_json::from_str::<Vec<Value>>(line).unwrap()).map(|line| line["Message"].clone()).collect();
    assert_eq!(found, messages[100..]);
}

#[actix_web::test]
async fn a_followed_log_goes_on() {
    let (server, _) = server().await;
    let (admin, address) = (server.admin().await, server.listen().await);
    let add = async |message: &str| admin.post("/1.0/apps/a/log").form(&[("message", message)]).send().await.ok(200);
    add("past").await;
    let url = format!("http://{address}/1.0/apps/a/log?lines=5&follow=1");
    let mut reply = reqwest::Client::new().get(url).bearer_auth(admin.token.clone().unwrap()).send().await.unwrap();
    let first = reply.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"[{\"Date\":") && first.ends_with(b"]\n"), "{first:?}");
    add("live").await;
    add("too").await;
    let mut live = Vec::new();
    while !String::from_utf8_lossy(&live).contains("too") {
        live.extend(reply.chunk().await.unwrap().unwrap());
    }
    assert!(String::from_utf8_lossy(&live).contains("\"Message\":\"live\""));
}

/// What a shell says until it closes, and how it closes; callers compare it. `keys` are typed one after the other.
async fn shell(server: &Server, token: Option<&str>, query: &str, keys: &[Message]) -> (String, u16) {
    let address = server.listen().await;
    let mut request = format!("ws://{address}/1.0/apps/{query}").into_client_request().unwrap();
    request.headers_mut().insert("Origin", "http://anywhere.example".parse().unwrap());
    if let Some(token) = token {
        request.headers_mut().insert("Authorization", format!("bearer {token}").parse().unwrap());
    }
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    for key in keys {
        socket.send(key.clone()).await.unwrap();
    }
    let mut said = String::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(20), socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => said.push_str(&text),
            Some(Ok(Message::Close(frame))) => {
                let route = ("GET".into(), "/apps/{appname}/shell".into(), "1.0".into());
                asserted(Some(&route), 101, said.starts_with("Error: ").then(|| said.trim_end()), None);
                return (said, frame.map_or(0, |frame| frame.code.into()));
            }
            Some(Ok(_)) => {}
            end => panic!("no close: {end:?}"),
        }
    }
}

#[actix_web::test]
async fn a_shell_carries_keys_and_text_and_is_recorded_without_a_lock() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[]).await.ok(200);
    let keys = [
        Message::text("ls é\r"),
        Message::binary("€".as_bytes()[..2].to_vec()),
        Message::binary("€".as_bytes()[2..].to_vec()),
        Message::text("\u{4}"),
    ];
    let query = "a/shell?width=97&height=31&term=xterm-256color&unit=a-web-1-0";
    let (said, code) = shell(&server, admin.token.as_deref(), query, &keys).await;
    assert_eq!((said.as_str(), code), ("(97, 31) xterm-256color Some(\"a-web-1-0\")\nls é\r€\u{4}", 1000));
    let event = server.ctx.store.of::<Event>().get(Filter::eq("kind.name", "app.run.shell")).await.unwrap().unwrap();
    assert_eq!((event.lock, event.cancelable, event.error.as_str()), (None, false, ""));
}

#[actix_web::test]
async fn a_shell_tells_its_errors_on_the_terminal() {
    let (server, _) = server().await;
    other_team(&server).await;
    let admin = server.admin().await;
    let refused = async |token: Option<&str>, query: &str| shell(&server, token, query, &[]).await;
    let login = "Error: no token provided or session expired, please login again\n";
    assert_eq!(refused(None, "a/shell").await, (login.into(), 1000));
    assert_eq!(refused(Some("none"), "a/shell").await.0, login);
    let token = admin.token.as_deref();
    assert_eq!(refused(token, "none/shell").await.0, "Error: App none not found.\n");
    assert_eq!(refused(token, "a/shell").await.0, "Error: no versions available for app\n");
    deploy(&admin, &[]).await.ok(200);
    assert_eq!(refused(token, "a/shell?unit=b-web-1-0").await.0, "Error: unit \"b-web-1-0\" not found\n");
    let foreign = server.user_with("fo@x.org", ContextType::Team, "other", &["app"]).await;
    assert_eq!(refused(foreign.token.as_deref(), "a/shell").await.0, format!("Error: {FORBIDDEN}\n"));
    admin.get("/1.0/apps/a/shell").send().await.ok(400);
    assert_eq!(App::load(&server.ctx.store, "a").await.unwrap().deploys, 1);
}
