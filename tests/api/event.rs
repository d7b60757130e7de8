//! Events and blocks.

use std::collections::HashSet;

use impaas::{
    event::{Allowed, Begin, Target, TargetType, document::Named},
    permission::{Context, ContextType},
};
use serde_json::{Value, json};

use super::harness::{Caller, Server};

const DENIED: &str = "You don't have permission to do this action";

fn about(app: &str, team: &str, kind: &str) -> Begin {
    let contexts = vec![Context::team(team), Context::app(app)];
    Begin {
        target: Target::new(TargetType::App, app),
        extra: vec![],
        kind: kind.into(),
        owner: Named { kind: "user".into(), name: "me@example.com".into() },
        source_ip: "127.0.0.1".into(),
        data: Some(bson::bson!([{"name": ":app", "value": app}])),
        allowed: Allowed { scheme: "app.read.events".into(), contexts: contexts.clone() },
        allowed_cancel: Some(Allowed { scheme: "app.update.events".into(), contexts }),
        locks: true,
    }
}

/// Events of apps `ours` (team `demo`) and `theirs` (team `other`), and of what the admin did.
async fn filled() -> Server {
    let server = Server::new().await;
    for (app, team, outcome) in [("ours", "demo", Ok(())), ("theirs", "other", Err(impaas::error::Error::refused("it broke")))] {
        let running = server.ctx.events.begin(about(app, team, "app.deploy")).await.unwrap();
        running.output().write("building\ndone\n");
        running.end(outcome).await.ok();
    }
    let admin = server.admin().await;
    admin.post("/1.0/plans").form(&[("name", "tiny"), ("memory", "0")]).send().await.ok(201);
    server
}

async fn targets(caller: &Caller<'_>, query: &str) -> Vec<String> {
    let reply = caller.get(&format!("/1.1/events{query}")).send().await;
    if reply.status == 204 {
        return vec![];
    }
    let events = reply.ok(200).json();
    events.as_array().unwrap().iter().map(|event| event["Target"]["Value"].as_str().unwrap().to_owned()).collect()
}

async fn id_of(caller: &Caller<'_>, target: &str) -> String {
    let events = caller.get(&format!("/1.1/events?target.value={target}")).send().await.json();
    events[0]["UniqueID"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn events_come_newest_first_and_by_every_filter() {
    let server = filled().await;
    let admin = server.admin().await;
    assert_eq!(targets(&admin, "").await, ["tiny", "theirs", "ours"]);
    for (query, expected) in [
        ("?target.type=app&target.value=ours", &["ours"][..]),
        ("?target.type=plan", &["tiny"]),
        ("?kindname=app.deploy", &["theirs", "ours"]),
        ("?kindName=plan.create&kindname=app.create", &["tiny"]),
        ("?kindtype=internal", &[]),
        ("?ownername=me@example.com&ownertype=user", &["theirs", "ours"]),
        ("?erroronly=true", &["theirs"]),
        ("?running=false&limit=1", &["tiny"]),
        ("?running=", &["tiny", "theirs", "ours"]),
        ("?running=true", &[]),
        ("?skip=1&limit=1", &["theirs"]),
        ("?sort=target.value", &["ours", "theirs", "tiny"]),
        ("?since=2020-01-01", &["tiny", "theirs", "ours"]),
        ("?until=2020-01-01T00:00:00Z", &[]),
        ("?allowedtargets=&erroronly=&kindtype=&limit=&since=&skip=&sort=&target.type=&permissions=&raw=", &["tiny", "theirs", "ours"]),
    ] {
        assert_eq!(targets(&admin, query).await, expected, "{query}");
    }
    admin.get("/1.1/events?limit=x").send().await.ok(400);
    admin.get("/1.1/events").body("application/json", "null").send().await.ok(200);
}

#[actix_web::test]
async fn callers_see_events_by_permission_and_context_and_no_others() {
    let server = filled().await;
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["app"]).await;
    assert_eq!(targets(&member, "").await, ["ours"]);
    let of_app = server.user_with("app@example.com", ContextType::App, "theirs", &["app.read.events"]).await;
    assert_eq!(targets(&of_app, "").await, ["theirs"]);
    // A permission whose name only begins like the event's shows nothing.
    let near = server.user_with("near@example.com", ContextType::Global, "", &["app.read.env", "platform"]).await;
    assert_eq!(targets(&near, "").await, Vec::<String>::new());
    let all = server.user_with("all@example.com", ContextType::Global, "", &["app", "plan.read"]).await;
    assert_eq!(targets(&all, "").await, ["tiny", "theirs", "ours"]);
    server.user("nothing@example.com").await.get("/1.1/events").send().await.ok(204);
}

#[actix_web::test]
async fn an_event_shows_its_log_and_its_data() {
    let server = filled().await;
    let admin = server.admin().await;
    let id = id_of(&admin, "theirs").await;
    let event = admin.get(&format!("/1.1/events/{id}")).send().await.ok(200).json();
    assert_eq!(event["Error"], "it broke");
    assert_eq!(event["StructuredLog"][1]["Message"], "done\n");
    let log = event["Log"].as_str().unwrap();
    assert!(log.ends_with(" +0000: done\n") && log.lines().count() == 2, "{log}");
    assert_eq!(event["CustomData"], json!({"Start": [{"name": ":app", "value": "theirs"}], "End": null, "Other": null}));
    assert_eq!(event["StartCustomData"]["Kind"], 4);
    assert_eq!(event["EndCustomData"], json!({"Kind": 0, "Data": null}));
    assert_eq!(event["Allowed"]["Contexts"][0], json!({"CtxType": "team", "Value": "other"}));
    assert_eq!((&event["Lock"], &event["Running"]), (&Value::Null, &json!(false)));
}

#[actix_web::test]
async fn keys_of_an_event_come_in_the_recorded_order() {
    let server = filled().await;
    let admin = server.admin().await;
    let text = admin.get(&format!("/1.1/events/{}", id_of(&admin, "ours").await)).send().await.text;
    let keys = [
        "UniqueID",
        "Lock",
        "StartTime",
        "EndTime",
        "ExpireAt",
        "Target",
        "ExtraTargets",
        "Kind",
        "Owner",
        "SourceIP",
        "LockUpdateTime",
        "Error",
        "Log",
        "StructuredLog",
        "CancelInfo",
        "Cancelable",
        "Running",
        "Allowed",
        "AllowedCancel",
        "Instance",
        "StartCustomData",
        "EndCustomData",
        "OtherCustomData",
        "CustomData",
    ];
    let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[actix_web::test]
async fn an_event_is_shown_only_to_those_who_may_see_it() {
    let server = filled().await;
    let admin = server.admin().await;
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["app"]).await;
    member.get(&format!("/1.1/events/{}", id_of(&admin, "theirs").await)).send().await.fails(403, DENIED);
    member.get(&format!("/1.1/events/{}", id_of(&admin, "ours").await)).send().await.ok(200);
    admin.get("/1.1/events/xyz").send().await.fails(400, "uuid parameter is not ObjectId: xyz");
    admin.get("/1.1/events/5f5e1000aabbccddeeff0011").send().await.fails(404, "event not found");
}

#[actix_web::test]
async fn a_running_event_shows_what_was_flushed_of_its_log_and_its_lock() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let running = server.ctx.events.begin(about("ours", "demo", "app.deploy")).await.unwrap();
    running.output().write("building\n");
    let keeper = tokio::spawn(server.ctx.events.clone().keep());
    let path = format!("/1.1/events/{}", running.id());
    let deadline = std::time::Instant::now() + crate::server::PATIENCE;
    let event = loop {
        let event = admin.get(&path).send().await.ok(200).json();
        if event["Log"] != "" || std::time::Instant::now() > deadline {
            break event;
        }
        tokio::task::yield_now().await;
    };
    keeper.abort();
    assert!(event["Log"].as_str().unwrap().ends_with("building\n"), "{event}");
    assert_eq!((&event["Running"], &event["Lock"]), (&json!(true), &json!({"Type": "app", "Value": "ours"})));
    running.end(Ok(())).await.unwrap();
}

#[actix_web::test]
async fn kinds_are_those_of_events_so_far() {
    let server = filled().await;
    let user = server.user("user@example.com").await;
    let kinds = user.get("/1.1/events/kinds").send().await.ok(200).json();
    assert_eq!(kinds, json!([{"Type": "permission", "Name": "app.deploy"}, {"Type": "permission", "Name": "plan.create"}]));
    let empty = Server::new().await;
    empty.admin().await.get("/1.1/events/kinds").send().await.ok(204);
}

#[actix_web::test]
async fn a_running_event_is_cancelled_once_with_a_reason() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let running = server.ctx.events.begin(about("ours", "demo", "app.deploy")).await.unwrap();
    let path = format!("/1.1/events/{}/cancel", running.id());
    let viewer = server.user_with("viewer@example.com", ContextType::Team, "demo", &["app.read", "app.deploy"]).await;
    admin.post(&path).send().await.fails(400, "reason is mandatory");
    viewer.post(&path).form(&[("reason", "why")]).send().await.fails(403, DENIED);
    admin.post(&path).form(&[("reason", "why")]).send().await.ok(204);
    admin.post(&path).form(&[("reason", "why")]).send().await.fails(500, "event cancel already requested");
    let event = admin.get(&format!("/1.1/events/{}", running.id())).send().await.json();
    assert_eq!((&event["CancelInfo"]["Asked"], &event["CancelInfo"]["Reason"]), (&json!(true), &json!("why")));
    assert_eq!(event["CancelInfo"]["Owner"], "admin@example.com");
    running.end(Ok(())).await.unwrap();
    admin.post(&path).form(&[("reason", "why")]).send().await.fails(400, "event is not cancelable");
    admin.post("/1.1/events/xyz/cancel").send().await.fails(400, "uuid parameter is not ObjectId: xyz");
    admin.post("/1.1/events/5f5e1000aabbccddeeff0011/cancel").send().await.fails(404, "event not found");
}

#[actix_web::test]
async fn what_is_blocked_does_not_begin_and_is_kept_as_failed() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let path = "/1.3/events/blocks";
    admin.get(path).send().await.ok(204);
    admin.post(path).json(&json!({"KindName": "plan"})).send().await.fails(400, "reason is required");
    let body = json!({"ID": "000000000000000000000000", "StartTime": "0001-01-01T00:00:00Z", "KindName": "plan.create", "OwnerName": "",
        "Target": {"Type": "", "Value": ""}, "Conditions": null, "Reason": "maintenance", "Active": false});
    admin.post(path).json(&body).send().await.ok(200);
    admin.post(path).form(&[("KindName", "pool"), ("Target.Type", "pool"), ("Target.Value", "dev"), ("Reason", "no")]).send().await.ok(200);
    let text = "error running \"plan.create\" on plan(tiny): block plan.create by all users on all targets: maintenance";
    admin.post("/1.0/plans").form(&[("name", "tiny")]).send().await.fails(500, text);
    let text = "error running \"pool.create\" on pool(dev): block pool by all users on pool(dev): no";
    admin.post("/1.0/pools").json(&json!({"name": "dev"})).send().await.fails(500, text);
    admin.post("/1.0/pools").json(&json!({"name": "other"})).send().await.ok(201);
    assert_eq!(targets(&admin, "?erroronly=true&running=false").await, ["dev", "tiny"]);
    let blocks = admin.get("/1.3/events/blocks?active=true").send().await.json();
    assert_eq!(blocks[1]["KindName"], "plan.create");
    assert_eq!(
        (&blocks[1]["Active"], &blocks[1]["Conditions"], &blocks[1]["EndTime"]),
        (&json!(true), &Value::Null, &json!("0001-01-01T00:00:00Z"))
    );
    let lifted = format!("{path}/{}", blocks[1]["ID"].as_str().unwrap());
    admin.delete(&lifted).send().await.ok(200);
    let text = format!("active event block with id {} not found", blocks[1]["ID"].as_str().unwrap());
    admin.delete(&lifted).send().await.fails(404, &text);
    admin.delete("/1.3/events/blocks/xyz").send().await.fails(400, "uuid parameter is not ObjectId: xyz");
    admin.post("/1.0/plans").form(&[("name", "tiny")]).send().await.ok(201);
    let events = admin.get("/1.1/events?kindname=plan.create&limit=1").send().await.json();
    let event = admin.get(&format!("/1.1/events/{}", events[0]["UniqueID"].as_str().unwrap())).send().await.json();
    let asked = event["CustomData"]["Start"].as_array().unwrap();
    assert!(asked.contains(&json!({"name": ":mux-path-template", "value": "/plans"})), "{event}");
    let held: HashSet<bool> =
        admin.get(path).send().await.json().as_array().unwrap().iter().map(|b| b["Active"].as_bool().unwrap()).collect();
    assert_eq!(held, HashSet::from([true, false]));
}

#[actix_web::test]
async fn blocks_are_for_those_who_hold_their_permissions_everywhere() {
    let server = Server::new().await;
    let user = server.user_with("user@example.com", ContextType::Team, "demo", &["app"]).await;
    user.get("/1.3/events/blocks").send().await.fails(403, DENIED);
    user.post("/1.3/events/blocks").json(&json!({"Reason": "x"})).send().await.fails(403, DENIED);
    user.delete("/1.3/events/blocks/5f5e1000aabbccddeeff0011").send().await.fails(403, DENIED);
}
