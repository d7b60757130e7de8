//! Webhooks: their routes, and the calls that they make.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use impaas::{
    permission::ContextType::Team,
    provisioner::absent::Absent,
    store::Filter,
    webhook::{Delivery, Webhook, work},
};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{
    broker::{Broker, Seen},
    harness::{Caller, Server},
    volume::make_team,
};
use crate::server::{PATIENCE, eventually};

const DENIED: &str = "You don't have permission to do this action";

/// Receivers of the tests are on this machine.
async fn near() -> Server {
    Server::with_settings(Arc::new(Absent), "outgoing:\n  allow-private: true\n").await
}

fn works(server: &Server) {
    actix_web::rt::spawn(work::keep(server.ctx.clone()));
}

async fn hook(caller: &Caller<'_>, name: &str, url: &str, more: Value) {
    let mut body = json!({"name": name, "url": url, "team_owner": "demo", "event_filter": {"kind_names": ["app"]}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.post("/1.6/events/webhooks").json(&body).send().await.ok(200);
}

/// An event of kind app.create about an app of this team.
async fn event(caller: &Caller<'_>, app: &str, team: &str) {
    let form = [("name", app), ("platform", ""), ("teamOwner", team)];
    caller.post("/1.0/apps").form(&form).send().await.ok(201);
}

/// So many calls, in their order.
async fn calls(receiver: &Broker, many: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    eventually("the receiver is called", PATIENCE, || {
        seen.extend(receiver.seen());
        std::future::ready(seen.len() >= many)
    })
    .await;
    seen
}

async fn waiting(server: &Server) -> Vec<Delivery> {
    server.ctx.store.of::<Delivery>().find(Filter::All).await.unwrap()
}

#[actix_web::test]
async fn a_webhook_lives_from_create_to_delete() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.get("/1.6/events/webhooks").send().await.ok(204);
    hook(&admin, "hook1", "http://127.0.0.1:8191/hook", json!({"headers": {"X-A": ["b"]}})).await;
    let list = r#"[{"name":"hook1","description":"","team_owner":"demo","event_filter":{"target_types":[],"target_values":[],"kind_types":[],"kind_names":["app"],"error_only":false,"success_only":false},"url":"http://127.0.0.1:8191/hook","proxy_url":"","headers":{"X-A":["b"]},"method":"","body":"","insecure":false}]"#;
    assert_eq!(admin.get("/1.6/events/webhooks").send().await.ok(200).text.trim_end(), list);
    let new = json!({"url": "http://127.0.0.1:8191/y", "team_owner": "demo", "event_filter": {}});
    admin.put("/1.6/events/webhooks/hook1").json(&new).send().await.ok(200);
    let info = admin.get("/1.6/events/webhooks/hook1").send().await.ok(200).json();
    assert_eq!(
        (&info["url"], &info["headers"], &info["event_filter"]["kind_names"]),
        (&json!("http://127.0.0.1:8191/y"), &json!({}), &json!([]))
    );
    admin.delete("/1.6/events/webhooks/hook1").send().await.ok(200);
    for method in ["GET", "PUT", "DELETE"] {
        admin.request(method, "/1.6/events/webhooks/hook1").json(&new).send().await.fails(404, "webhook not found");
    }
    let form =
        [("name", "formed"), ("url", "http://x/"), ("team_owner", "demo"), ("event_filter.kind_names.0", "app"), ("headers.X.0", "y")];
    admin.post("/1.6/events/webhooks").form(&form).send().await.ok(200);
    let formed = admin.get("/1.6/events/webhooks/formed").send().await.ok(200).json();
    assert_eq!((&formed["event_filter"]["kind_names"], &formed["headers"]), (&json!(["app"]), &json!({"X": ["y"]})));
}

#[actix_web::test]
async fn wrong_webhooks_are_refused() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let name = "Invalid webhook name, webhook name should have at most 40 characters, containing only lower case letters, numbers or dashes, starting with a letter.";
    for (change, why) in [
        (json!({"name": ""}), "webhook name must not be empty"),
        (json!({"name": "A b"}), name),
        (json!({"url": ""}), "webhook url must not be empty"),
        (json!({"url": ":bad"}), "webhook url is not valid: parse \":bad\": missing protocol scheme"),
        (json!({"url": "gopher://x"}), "webhook url is not valid: unsupported protocol scheme \"gopher\""),
        (json!({"proxy_url": ":bad"}), "webhook proxy url is not valid: parse \":bad\": missing protocol scheme"),
        (json!({"headers": {"a b": ["c"]}}), "webhook header \"a b\" is not valid"),
        (json!({"method": "A B"}), "webhook method \"A B\" is not valid"),
        (json!({"body": "{{shout .Error}}"}), "webhook body is not a valid template: line 1: function \"shout\" not defined"),
    ] {
        let mut body = json!({"name": "h2", "url": "http://x/", "team_owner": "demo"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admin.post("/1.6/events/webhooks").json(&body).send().await.fails(400, why);
    }
    let ghost = json!({"name": "h2", "url": "http://x/", "team_owner": "ghosts"});
    admin.post("/1.6/events/webhooks").json(&ghost).send().await.fails(404, "team not found");
    hook(&admin, "h2", "http://x/", json!({})).await;
    let again = json!({"name": "h2", "url": "http://x/", "team_owner": "demo"});
    admin.post("/1.6/events/webhooks").json(&again).send().await.fails(409, "webhook already exists with the same name");
    admin.put("/1.6/events/webhooks/h2").json(&json!({"url": ""})).send().await.fails(400, "webhook url must not be empty");
    let broken = "unable to parse as json: \"{\" - unexpected end of JSON input";
    admin.post("/1.6/events/webhooks").body("application/json", "{").send().await.fails(400, broken);
}

#[actix_web::test]
async fn webhooks_are_their_teams_own() {
    let server = Server::new().await;
    make_team(&server, "others").await;
    hook(&server.admin().await, "theirs", "http://x/", json!({"team_owner": "others"})).await;
    let all = ["webhook.create", "webhook.read", "webhook.update", "webhook.delete"];
    let member = server.user_with("member@example.com", Team, "demo", &all).await;
    hook(&member, "mine", "http://x/", json!({"team_owner": ""})).await;
    let list = member.get("/1.6/events/webhooks").send().await.ok(200).json();
    assert_eq!(list.as_array().unwrap().iter().map(|hook| &hook["name"]).collect::<Vec<_>>(), ["mine"]);
    let theirs = json!({"name": "new", "url": "http://x/", "team_owner": "others"});
    member.post("/1.6/events/webhooks").json(&theirs).send().await.fails(403, DENIED);
    let taken = json!({"url": "http://evil/", "team_owner": "demo"});
    for method in ["GET", "PUT", "DELETE"] {
        member.request(method, "/1.6/events/webhooks/theirs").json(&taken).send().await.fails(403, DENIED);
    }
    member.put("/1.6/events/webhooks/mine").json(&theirs).send().await.fails(403, DENIED);
    let nobody = server.user("nobody@example.com").await;
    nobody.get("/1.6/events/webhooks").send().await.ok(204);
    let teamless = json!({"name": "new", "url": "http://x/"});
    nobody.post("/1.6/events/webhooks").json(&teamless).send().await.fails(403, DENIED);
    server
        .admin()
        .await
        .post("/1.6/events/webhooks")
        .json(&teamless)
        .send()
        .await
        .fails(400, "You must provide a team to execute this action.");
}

#[actix_web::test]
async fn an_event_is_told_as_json_with_a_signature() {
    let (server, receiver) = (near().await, Broker::start());
    let admin = server.admin().await;
    works(&server);
    let headers = json!({"headers": {"X-A": ["b"], "webhook-signature": ["forged"]}});
    hook(&admin, "hook1", &format!("{}/hook", receiver.url), headers).await;
    event(&admin, "blog", "demo").await;
    let call = calls(&receiver, 1).await.remove(0);
    assert_eq!(call.line, "POST /hook");
    let said: Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!((&said["Kind"]["Name"], &said["Target"]), (&json!("app.create"), &json!({"Type": "app", "Value": "blog"})));
    assert_eq!((&said["Running"], said.get("StartCustomData")), (&json!(false), None));
    let header = |name: &str| call.headers[name].as_str();
    assert_eq!([header("user-agent"), header("content-type"), header("x-a")], ["tsuru-webhook-client/1.0", "application/json", "b"]);
    let public = server.nobody().get("/webhooks/key").send().await.ok(200).text;
    let public = UnparsedPublicKey::new(&ED25519, STANDARD.decode(public.trim_end().strip_prefix("whpk_").unwrap()).unwrap());
    let signature = STANDARD.decode(header("webhook-signature").strip_prefix("v1a,").unwrap()).unwrap();
    let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), call.body);
    assert!(public.verify(signed.as_bytes(), &signature).is_ok());
    eventually("nothing waits any longer", PATIENCE, || async { waiting(&server).await.is_empty() }).await;
}

#[actix_web::test]
async fn templates_methods_and_filters_hold() {
    let (server, receiver) = (near().await, Broker::start());
    let admin = server.admin().await;
    works(&server);
    let failed = json!({"event_filter": {"error_only": true}});
    hook(&admin, "failures", &format!("{}/failures", receiver.url), failed).await;
    let get = json!({"method": "get", "event_filter": {"target_values": ["blog"], "kind_names": ["app.create"]}});
    hook(&admin, "get", &format!("{}/get", receiver.url), get).await;
    let told = json!({"method": "put", "body": r#"{"text": {{printf "%s of %s by %s" .Kind .Target .Owner.Name | printf "%q"}}}"#});
    hook(&admin, "told", &format!("{}/told", receiver.url), told).await;
    event(&admin, "blog", "demo").await;
    let mut seen = calls(&receiver, 2).await;
    seen.sort_by_key(|call| call.line.clone());
    assert_eq!(seen.iter().map(|call| call.line.as_str()).collect::<Vec<_>>(), ["GET /get", "PUT /told"]);
    assert_eq!(seen[0].body, "");
    assert_eq!(seen[1].body, r#"{"text": "app.create of app(blog) by admin@example.com"}"#);
}

#[actix_web::test]
async fn a_team_hears_only_of_its_own_events() {
    let (server, receiver) = (near().await, Broker::start());
    make_team(&server, "others").await;
    let admin = server.admin().await;
    works(&server);
    let everything = json!({"event_filter": {}, "body": "{{.Target.Value}}"});
    hook(&admin, "demos", &receiver.url, everything).await;
    calls(&receiver, 1).await;
    event(&admin, "secret", "others").await;
    admin.post("/1.0/teams").json(&json!({"name": "third"})).send().await.ok(201);
    event(&admin, "ours", "demo").await;
    let heard: Vec<String> = calls(&receiver, 1).await.into_iter().map(|call| call.body).collect();
    assert_eq!(heard, ["ours"]);
}

#[actix_web::test]
async fn a_call_that_fails_is_made_again_and_no_other() {
    let (server, receiver) = (near().await, Broker::start());
    let admin = server.admin().await;
    hook(&admin, "hook1", &format!("{}/hook", receiver.url), json!({})).await;
    receiver.answers("POST /hook", 503, "later");
    event(&admin, "blog", "demo").await;
    // Nobody worked when the event ended: as after a crash.
    works(&server);
    let first = calls(&receiver, 1).await.remove(0);
    receiver.answers("POST /hook", 200, "thanks");
    let second = calls(&receiver, 1).await.remove(0);
    assert_eq!((&first.headers["webhook-id"], &first.body), (&second.headers["webhook-id"], &second.body));
    eventually("nothing waits any longer", PATIENCE, || async { waiting(&server).await.is_empty() }).await;
    assert_eq!(receiver.seen().len(), 0);
}

#[actix_web::test]
async fn several_servers_share_the_calls() {
    let (server, receiver) = (near().await, Broker::start());
    let admin = server.admin().await;
    hook(&admin, "hook1", &receiver.url, json!({"body": "{{.Target.Value}}", "event_filter": {"kind_names": ["app.create"]}})).await;
    for app in ["a1", "a2", "a3", "a4", "a5", "a6"] {
        event(&admin, app, "demo").await;
    }
    (0..3).for_each(|_| works(&server));
    let mut heard: Vec<String> = calls(&receiver, 6).await.into_iter().map(|call| call.body).collect();
    eventually("nothing waits any longer", PATIENCE, || async { waiting(&server).await.is_empty() }).await;
    heard.extend(receiver.seen().into_iter().map(|call| call.body));
    heard.sort();
    heard.dedup();
    assert_eq!(heard, ["a1", "a2", "a3", "a4", "a5", "a6"]);
}

#[actix_web::test]
async fn a_receiver_that_hangs_delays_nobody() {
    let (server, receiver) = (near().await, Broker::start());
    let admin = server.admin().await;
    // It takes connections and never answers.
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    hook(&admin, "hangs", &format!("http://{}/", hanging.local_addr().unwrap()), json!({})).await;
    hook(&admin, "works", &receiver.url, json!({})).await;
    works(&server);
    for app in ["a1", "a2", "a3", "a4", "a5", "a6"] {
        event(&admin, app, "demo").await;
    }
    assert_eq!(calls(&receiver, 6).await.len(), 6);
    let hangs = server.ctx.store.of::<Webhook>().get(Filter::eq("name", "hangs")).await.unwrap().unwrap();
    // What the other one has answered may still be on its way out of the store.
    let left = || async { waiting(&server).await.into_iter().filter(|delivery| delivery.hook == hangs.id).collect::<Vec<_>>() };
    let claimed = |left: Vec<Delivery>| left.into_iter().filter(|delivery| delivery.attempts == 1).collect::<Vec<_>>();
    assert_eq!(left().await.len(), 6);
    eventually("it has as many calls as one webhook may have", PATIENCE, || async { claimed(left().await).len() == 4 }).await;
    let until = claimed(left().await).iter().map(|delivery| delivery.next.millis()).max().unwrap();
    eventually("claims are renewed while their calls last", PATIENCE, || async {
        claimed(left().await).iter().any(|delivery| delivery.next.millis() > until)
    })
    .await;
    assert!(claimed(left().await).len() <= 4);
}

#[actix_web::test]
async fn receivers_in_this_network_are_out_of_reach() {
    let (server, receiver) = (Server::new().await, Broker::start());
    let admin = server.admin().await;
    works(&server);
    hook(&admin, "inside", &receiver.url, json!({})).await;
    hook(&admin, "through", "http://example.org/", json!({"proxy_url": receiver.url})).await;
    event(&admin, "blog", "demo").await;
    eventually("both calls failed", PATIENCE, || async {
        waiting(&server).await.iter().filter(|delivery| delivery.error.contains("is private to this server's network")).count() == 2
    })
    .await;
    assert_eq!(receiver.seen().len(), 0);
}

#[actix_web::test]
async fn where_webhooks_go_is_neither_stored_in_clear_nor_in_events() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let secrets = json!({"headers": {"Authorization": ["hush1"]}, "proxy_url": "http://me:hush2@proxy.example.org"});
    hook(&admin, "hook1", "http://example.org/hush3", secrets).await;
    let info = admin.get("/1.6/events/webhooks/hook1").send().await.ok(200).json();
    admin.put("/1.6/events/webhooks/hook1").json(&info).send().await.ok(200);
    let stored = server.ctx.store.of::<Webhook>().get(Filter::eq("name", "hook1")).await.unwrap().unwrap();
    assert_eq!(stored.url.expose(), "http://example.org/hush3");
    for collection in ["webhook", "events"] {
        let dump = format!("{:?}", server.ctx.store.backend().dump(collection).await.unwrap());
        assert!(!dump.contains("hush"), "{collection}: {dump}");
    }
}

#[actix_web::test]
async fn a_team_that_goes_takes_its_webhooks_and_its_place_in_pools_with_it() {
    let server = Server::new().await;
    make_team(&server, "others").await;
    let admin = server.admin().await;
    hook(&admin, "theirs", "http://x/", json!({"team_owner": "others"})).await;
    for (pool, blacklist) in [("in", false), ("out", true)] {
        let constraint = json!({"PoolExpr": pool, "Field": "team", "Values": ["demo", "others"], "Blacklist": blacklist});
        admin.put("/1.3/constraints").json(&constraint).send().await.ok(200);
    }
    admin.delete("/1.0/teams/others").send().await.ok(200);
    admin.get("/1.6/events/webhooks").send().await.ok(204);
    let constraints = admin.get("/1.3/constraints").send().await.ok(200).json();
    let values = |pool: &str| {
        let all = constraints.as_array().unwrap();
        all.iter().find(|constraint| constraint["PoolExpr"] == pool).map(|constraint| constraint["Values"].clone())
    };
    assert_eq!((values("in"), values("out")), (Some(json!(["demo"])), Some(json!(["demo", "others"]))));
}
