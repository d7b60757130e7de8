//! Apps: made, listed, shown, changed, removed.

use bson::oid::ObjectId;
use impaas::{
    auth::{team_token::TeamToken, token},
    clock::Time,
    permission::{ContextType, role::RoleInstance},
    store::{Filter, Update},
    team::Team,
};
use serde_json::json;

use super::harness::{Caller, Server};

const FORBIDDEN: &str = "You don't have permission to do this action";

/// As the stock client makes one.
pub async fn create(caller: &Caller<'_>, name: &str) {
    let form =
        [("name", name), ("platform", "python"), ("teamOwner", "demo"), ("plan", ""), ("pool", ""), ("router", ""), ("routeropts", "")];
    caller.post("/1.0/apps").form(&form).send().await.ok(201);
}

/// A second team.
pub async fn other_team(server: &Server) {
    let team = Team {
        name: "other".into(),
        creating_user: String::new(),
        tags: vec![],
        quota: impaas::quota::Quota::unlimited(),
        renamed_from: None,
    };
    server.ctx.store.of::<Team>().insert(&team).await.unwrap();
}

#[actix_web::test]
async fn an_app_is_made_as_the_stock_client_asks_for_it() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let form = [
        ("description", "says hello"),
        ("name", "hello"),
        ("plan", ""),
        ("platform", "python"),
        ("pool", "local"),
        ("router", ""),
        ("routeropts", ""),
        ("tag", "web"),
        ("tag", "lab1"),
        ("teamOwner", "demo"),
    ];
    let reply = admin.post("/1.0/apps").form(&form).send().await.ok(201);
    assert_eq!(reply.text.trim_end(), r#"{"ip":"","status":"success"}"#);
    let info = admin.get("/1.0/apps/hello").send().await.ok(200);
    let expected = concat!(
        r#"{"name":"hello","platform":"python","teams":["demo"],"plan":{"name":"c0.1m0.2","memory":268435456,"cpumilli":100,"default":true},"#,
        r#""cname":[],"owner":"admin@example.com","pool":"local","description":"says hello","deploys":0,"teamowner":"demo","#,
        r#""tags":["web","lab1"],"metadata":{"labels":[],"annotations":[]},"units":[],"provisioner":"local","#,
        r#""routers":[{"name":"local","opts":{},"address":"","addresses":[""],"type":"local","status":"not ready","#,
        r#""status-detail":"waiting for deploy"}],"serviceInstanceBinds":[],"router":"local","routeropts":{},"quota":{"limit":-1,"inuse":0}}"#
    );
    assert_eq!(info.text.trim_end(), expected);
    let list = admin.get("/1.0/apps").send().await.ok(200);
    let expected = concat!(
        r#"[{"name":"hello","pool":"local","teamowner":"demo","#,
        r#""plan":{"name":"c0.1m0.2","memory":268435456,"cpumilli":100,"default":true},"units":[],"cname":[],"ip":"","#,
        r#""routers":[{"name":"local","opts":{},"address":"","addresses":null,"type":""}],"tags":["web","lab1"],"#,
        r#""metadata":{"labels":null,"annotations":null}}]"#
    );
    assert_eq!(list.text.trim_end(), expected);
}

#[actix_web::test]
async fn wrong_requests_for_an_app_are_refused_with_tsurus_words() {
    let server = Server::new().await;
    let admin = server.admin().await;
    create(&admin, "hello").await;
    let name = "Invalid app name, your app should have at most 40 characters, containing only lower case letters, numbers or dashes, starting \
                with a letter.";
    let cases = [
        (json!({"name": "nope", "platform": "cobol"}), 500, "Invalid platform"),
        (json!({"name": "Bad_Name"}), 400, name),
        (json!({}), 400, name),
        (json!({"name": "hello"}), 409, r#"tsuru failed to create the app "hello": there is already an app with this name"#),
        (json!({"name": "a", "plan": "huge"}), 500, "plan not found"),
        (json!({"name": "a", "pool": "moon"}), 500, "Pool does not exist."),
        (json!({"name": "a", "router": "x"}), 500, r#"router "x" not found"#),
        (json!({"name": "a", "teamOwner": "ghosts"}), 400, "team not found"),
        (json!({"name": "a", "processes": [{"plan": "c1m1"}]}), 400, "empty process name is not allowed"),
        (json!({"name": "a", "metadata": {"labels": [{"name": "tsuru.io/x"}]}}), 400, "prefix tsuru.io/ is private"),
    ];
    for (body, status, text) in cases {
        admin.post("/1.0/apps").json(&body).send().await.fails(status, text);
    }
    let broken = admin.post("/1.0/apps").body("application/json", "{").send().await;
    broken.fails(400, r#"unable to parse as json: "{" - unexpected end of JSON input"#);
    admin.get("/1.0/apps/ghost").send().await.fails(404, "App ghost not found.");
}

#[actix_web::test]
async fn the_team_is_chosen_when_there_is_no_choice() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/apps").form(&[("name", "one")]).send().await.ok(201);
    other_team(&server).await;
    let member = server.user_with("m@b.co", ContextType::Team, "other", &["app"]).await;
    member.post("/1.0/apps").form(&[("name", "two")]).send().await.ok(201);
    let none = "You must provide a team to execute this action.";
    for body in [r#"null"#, "", r#"{"name":"three"}"#] {
        admin.post("/1.0/apps").body("application/json", body).send().await.fails(400, none);
    }
    let nobody = server.user("n@b.co").await;
    nobody.post("/1.0/apps").form(&[("name", "four")]).send().await.fails(403, FORBIDDEN);
    let info = member.get("/1.0/apps/two").send().await.ok(200).json();
    assert_eq!((&info["teamowner"], &info["owner"]), (&json!("other"), &json!("m@b.co")));
}

#[actix_web::test]
async fn apps_are_made_only_for_teams_of_the_caller() {
    let server = Server::new().await;
    other_team(&server).await;
    let member = server.user_with("m@b.co", ContextType::Team, "other", &["app"]).await;
    member.post("/1.0/apps").json(&json!({"name": "a", "teamOwner": "demo"})).send().await.fails(403, FORBIDDEN);
    let reader = server.user_with("r@b.co", ContextType::Team, "other", &["app.read"]).await;
    reader.post("/1.0/apps").json(&json!({"name": "a", "teamOwner": "other"})).send().await.fails(403, FORBIDDEN);
    // What was refused left nothing.
    assert_eq!(server.admin().await.get("/1.0/apps").send().await.ok(204).text, "");
}

#[actix_web::test]
async fn a_quota_of_apps_is_never_passed_and_freed_by_removal() {
    let server = Server::new().await;
    let admin = server.admin().await;
    server.ctx.store.of::<Team>().update(Filter::id("demo"), Update::set("quota.limit", 2)).await.unwrap();
    let make = |i: usize| {
        let admin = &admin;
        async move { admin.post("/1.0/apps").json(&json!({"name": format!("app{i}"), "teamOwner": "demo"})).send().await }
    };
    let replies = futures_util::future::join_all((0..10).map(make)).await;
    let made: Vec<usize> = replies.iter().enumerate().filter(|(_, reply)| reply.status == 201).map(|(i, _)| i).collect();
    assert_eq!(made.len(), 2);
    assert!(replies.iter().filter(|reply| reply.status != 201).all(|r| (r.status, r.text.trim_end()) == (403, "Quota exceeded")));
    admin.delete(&format!("/1.0/apps/app{}", made[0])).send().await.ok(200);
    make(99).await.ok(201);
    make(100).await.fails(403, "Quota exceeded");
}

#[actix_web::test]
async fn a_refused_app_takes_nothing_from_quotas() {
    let server = Server::new().await;
    let admin = server.admin().await;
    create(&admin, "hello").await;
    let taken = "tsuru failed to create the app \"hello\": there is already an app with this name";
    admin.post("/1.0/apps").json(&json!({"name": "hello", "teamOwner": "demo"})).send().await.fails(409, taken);
    admin.post("/1.0/apps").json(&json!({"name": "b", "teamOwner": "demo", "plan": "huge"})).send().await.ok(500);
    let team = server.ctx.store.of::<Team>().get(Filter::id("demo")).await.unwrap().unwrap();
    assert_eq!(team.quota.in_use, 1);
}

#[actix_web::test]
async fn the_list_shows_what_is_asked_for_among_what_the_caller_may_see() {
    let server = Server::new().await;
    let admin = server.admin().await;
    other_team(&server).await;
    admin
        .post("/1.0/apps")
        .json(&json!({"name": "alpha", "platform": "python", "teamOwner": "demo", "tags": ["x", "y"]}))
        .send()
        .await
        .ok(201);
    admin.post("/1.0/apps").json(&json!({"name": "beta", "platform": "go", "teamOwner": "other", "tags": ["x"]})).send().await.ok(201);
    let names = |reply: super::harness::Reply| -> Vec<String> {
        let apps = if reply.status == 204 { json!([]) } else { reply.ok(200).json() };
        apps.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap().to_owned()).collect()
    };
    let cases: [(&str, &[&str]); 14] = [
        ("", &["alpha", "beta"]),
        ("name=^al", &["alpha"]),
        ("name=zzz", &[]),
        ("platform=go", &["beta"]),
        ("platform=go:latest", &["beta"]),
        ("platform=go:v2", &[]),
        ("teamOwner=demo", &["alpha"]),
        ("owner=admin@example.com", &["alpha", "beta"]),
        ("owner=x@b.co", &[]),
        ("pool=local", &["alpha", "beta"]),
        ("tag=x", &["alpha", "beta"]),
        ("tag=x&tag=y", &["alpha"]),
        ("status=started", &[]),
        ("locked=true&simplified=true", &["alpha", "beta"]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(admin.get(&format!("/1.0/apps?{query}")).send().await), expected, "{query}");
    }
    let bad = admin.get("/1.0/apps?name=%5B").send().await;
    assert!(bad.status == 400 && bad.text.starts_with("Regular expression is invalid: "), "{bad:?}");
    let extended = admin.get("/1.0/apps?extended=true&name=alpha").send().await.ok(200).json();
    assert_eq!((&extended[0]["platform"], &extended[0]["metadata"]), (&json!("python"), &json!({"labels": [], "annotations": []})));

    let member = server.user_with("m@b.co", ContextType::Team, "other", &["app.read"]).await;
    assert_eq!(names(member.get("/1.0/apps").send().await), ["beta"]);
    let one = server.user_with("o@b.co", ContextType::App, "alpha", &["app.read.info"]).await;
    assert_eq!(names(one.get("/1.0/apps").send().await), ["alpha"]);
    let pool = server.user_with("p@b.co", ContextType::Pool, "local", &["app"]).await;
    assert_eq!(names(pool.get("/1.0/apps").send().await), ["alpha", "beta"]);
    let deployer = server.user_with("d@b.co", ContextType::Global, "", &["app.deploy"]).await;
    assert_eq!(names(deployer.get("/1.0/apps").send().await), [""; 0]);
}

#[actix_web::test]
async fn an_app_is_shown_only_to_those_who_may_see_it() {
    let server = Server::new().await;
    create(&server.admin().await, "hello").await;
    for (email, kind, value, status) in [
        ("t@b.co", ContextType::Team, "demo", 200),
        ("f@b.co", ContextType::Team, "foreign", 403),
        ("a@b.co", ContextType::App, "hello", 200),
        ("x@b.co", ContextType::App, "other", 403),
        ("p@b.co", ContextType::Pool, "local", 200),
        ("q@b.co", ContextType::Pool, "moon", 403),
    ] {
        let caller = server.user_with(email, kind, value, &["app.read.info"]).await;
        assert_eq!(caller.get("/1.0/apps/hello").send().await.status, status, "{email}");
    }
    let envs_only = server.user_with("e@b.co", ContextType::App, "hello", &["app.read.env"]).await;
    envs_only.get("/1.0/apps/hello").send().await.fails(403, FORBIDDEN);
}

#[actix_web::test]
async fn removing_says_what_it_does_and_keeps_the_versions_counter() {
    let server = Server::new().await;
    let admin = server.admin().await;
    create(&admin, "hello").await;
    impaas::app::version::write::make(&server.ctx.store, "hello", Default::default()).await.unwrap();
    let reply = admin.delete("/1.0/apps/hello").send().await.ok(200);
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    let said: Vec<String> =
        reply.text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["Message"].to_string()).collect();
    let expected = [
        r#""---- Removing application \"hello\"... ----\n""#,
        r#""\n ---> Stopping the app \"hello\"\n""#,
        r#""---- Done removing application. ----\n""#,
    ];
    assert_eq!(said, expected);
    admin.delete("/1.0/apps/hello").send().await.fails(404, "App hello not found.");
    create(&admin, "hello").await;
    let next = impaas::app::version::write::make(&server.ctx.store, "hello", Default::default()).await.unwrap();
    assert_eq!(next.version, 2);
}

#[actix_web::test]
async fn only_those_who_may_remove_an_app() {
    let server = Server::new().await;
    create(&server.admin().await, "hello").await;
    let reader = server.user_with("r@b.co", ContextType::Team, "demo", &["app.read", "app.update"]).await;
    reader.delete("/1.0/apps/hello").send().await.fails(403, FORBIDDEN);
    let foreign = server.user_with("f@b.co", ContextType::Team, "foreign", &["app"]).await;
    foreign.delete("/1.0/apps/hello").send().await.fails(403, FORBIDDEN);
    let member = server.user_with("m@b.co", ContextType::Team, "demo", &["app.delete"]).await;
    member.delete("/1.0/apps/hello").send().await.ok(200);
}

#[actix_web::test]
async fn a_team_token_makes_apps_on_the_quota_of_its_team() {
    let server = Server::new().await;
    let secret = token::generate();
    let made = TeamToken {
        id: ObjectId::new(),
        token_hash: token::digest(secret.expose()),
        token: secret.clone(),
        token_id: "ci".into(),
        description: String::new(),
        created_at: Time::now(),
        expires_at: Time::zero(),
        last_access: Time::zero(),
        creator_email: "admin@example.com".into(),
        team: "demo".into(),
        roles: vec![RoleInstance { name: "team-member".into(), context_value: "demo".into() }],
    };
    server.ctx.store.of::<TeamToken>().insert(&made).await.unwrap();
    let ci = server.with_token(secret.expose());
    ci.post("/1.0/apps").form(&[("name", "hello")]).send().await.ok(201);
    let info = ci.get("/1.0/apps/hello").send().await.ok(200).json();
    assert_eq!((&info["teamowner"], &info["owner"]), (&json!("demo"), &json!("ci@tsuru-team-token")));
    let in_use = || async { server.ctx.store.of::<Team>().get(Filter::id("demo")).await.unwrap().unwrap().quota.in_use };
    assert_eq!(in_use().await, 1);
    ci.delete("/1.0/apps/hello").send().await.ok(200);
    assert_eq!(in_use().await, 0);
}
