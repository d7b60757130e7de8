//! Changes of apps: description, tags, plan, owner, platform, metadata, processes.

use impaas::{
    permission::ContextType,
    store::{Filter, Update},
    team::Team,
};
use serde_json::{Value, json};

use super::{
    app::{create, other_team},
    harness::{Caller, Server},
};

const APP: &str = "/1.0/apps/hello";
const FORBIDDEN: &str = "You don't have permission to do this action";

async fn with_app() -> Server {
    let server = Server::new().await;
    create(&server.admin().await, "hello").await;
    server
}

async fn info(caller: &Caller<'_>) -> Value {
    caller.get(APP).send().await.ok(200).json()
}

async fn put(caller: &Caller<'_>, body: Value) {
    let reply = caller.put(APP).json(&body).send().await.ok(200);
    assert!(!reply.text.contains("\"Error\""), "{}", reply.text);
}

#[actix_web::test]
async fn an_update_as_the_stock_client_sends_it_changes_what_it_names() {
    let server = with_app().await;
    let admin = server.admin().await;
    let body = json!({"tags": ["web2"], "plan": "c1m1", "planoverride": {}, "description": "new words", "metadata": {}});
    let reply = admin.put(APP).json(&body).send().await.ok(200);
    assert_eq!(reply.header("content-type"), Some("application/x-json-stream"));
    let app = info(&admin).await;
    assert_eq!((&app["tags"], &app["description"], &app["plan"]["name"]), (&json!(["web2"]), &json!("new words"), &json!("c1m1")));
    assert_eq!(app["platform"], "python");
    put(&admin, json!({"tags": [""]})).await;
    assert_eq!(info(&admin).await["tags"], json!([]));
    admin.put(APP).form(&[("tag", "a"), ("tag", "b"), ("pool", "local")]).send().await.ok(200);
    assert_eq!(info(&admin).await["tags"], json!(["a", "b"]));
}

#[actix_web::test]
async fn numbers_over_the_plan_stay_until_they_are_reset() {
    let server = with_app().await;
    let admin = server.admin().await;
    put(&admin, json!({"planoverride": {"memory": 536870912, "cpumilli": 200}})).await;
    put(&admin, json!({"planoverride": {"cpumilli": 0}})).await;
    let expected = json!({"memory": 536870912, "cpumilli": null, "cpuBurst": null});
    assert_eq!(info(&admin).await["plan"]["override"], expected);
    put(&admin, json!({"plan": "c1m1"})).await;
    assert_eq!(info(&admin).await["plan"].get("override"), None);
}

#[actix_web::test]
async fn metadata_and_processes_are_merged_by_name() {
    let server = with_app().await;
    let admin = server.admin().await;
    put(&admin, json!({"metadata": {"labels": [{"name": "course", "value": "60001"}], "annotations": [{"name": "a", "value": "b c"}]}}))
        .await;
    put(&admin, json!({"metadata": {"labels": [{"name": "course", "delete": true}]}})).await;
    assert_eq!(info(&admin).await["metadata"], json!({"labels": [], "annotations": [{"name": "a", "value": "b c"}]}));
    put(&admin, json!({"processes": [{"name": "web", "plan": "c1m1"}]})).await;
    let expected = json!([{"name": "web", "plan": "c1m1", "metadata": {"labels": [], "annotations": []}}]);
    assert_eq!(info(&admin).await["processes"], expected);
    put(&admin, json!({"processes": [{"name": "web", "plan": "$default"}]})).await;
    assert_eq!(info(&admin).await.get("processes"), None);
}

#[actix_web::test]
async fn wrong_updates_are_refused_with_tsurus_words() {
    let server = with_app().await;
    let admin = server.admin().await;
    other_team(&server).await;
    let nothing = "Neither the description, tags, plan, pool, team owner or platform were set. You must define at least one.";
    let cases = [
        (json!({}), 400, nothing),
        (json!({"pool": "local"}), 400, nothing),
        (json!({"router": "x"}), 400, "updating router was deprecated, please add the wanted router and remove the old one"),
        (json!({"pool": "moon"}), 400, "pool updates are no longer supported, create a new app in the desired pool instead"),
        (json!({"platform": "cobol"}), 500, "Invalid platform"),
        (json!({"plan": "huge"}), 400, "plan not found"),
        (json!({"teamOwner": "ghosts"}), 400, "team not found"),
        (json!({"processes": [{"name": "web", "plan": "huge"}]}), 400, r#"could not find plan "huge": plan not found"#),
        (json!({"metadata": {"labels": [{"name": "tsuru.io/x"}]}}), 400, "prefix tsuru.io/ is private"),
        (json!({"planoverride": {"memory": -1}}), 400, "invalid value for memory"),
    ];
    for (body, status, text) in cases {
        admin.put(APP).json(&body).send().await.fails(status, text);
    }
}

#[actix_web::test]
async fn a_new_owner_gets_access_and_the_app_on_its_quota() {
    let server = with_app().await;
    let admin = server.admin().await;
    other_team(&server).await;
    put(&admin, json!({"teamOwner": "other"})).await;
    let app = info(&admin).await;
    assert_eq!((&app["teamowner"], &app["teams"]), (&json!("other"), &json!(["demo", "other"])));
    let in_use = |team: &'static str| {
        let store = server.ctx.store.clone();
        async move { store.of::<Team>().get(Filter::id(team)).await.unwrap().unwrap().quota.in_use }
    };
    assert_eq!((in_use("demo").await, in_use("other").await), (0, 1));
    server.ctx.store.of::<Team>().update(Filter::id("demo"), Update::set("quota.limit", 0)).await.unwrap();
    admin.put(APP).json(&json!({"teamOwner": "demo"})).send().await.fails(403, "Quota exceeded");
    assert_eq!(in_use("other").await, 1);
}

#[actix_web::test]
async fn each_change_needs_its_own_permission() {
    let server = with_app().await;
    let changes = [
        ("app.update.description", json!({"description": "d"})),
        ("app.update.tags", json!({"tags": ["t"]})),
        ("app.update.plan", json!({"plan": "c1m1"})),
        ("app.update.planoverride", json!({"planoverride": {"memory": 536870912}})),
        ("app.update.teamowner", json!({"teamOwner": "demo"})),
        ("app.update.image-reset", json!({"imageReset": true})),
        ("app.update.metadata", json!({"metadata": {"labels": [{"name": "a"}]}})),
        ("app.update.processes", json!({"processes": [{"name": "web", "plan": "c1m1"}]})),
    ];
    for (i, (permission, body)) in changes.iter().enumerate() {
        let caller = server.user_with(&format!("u{i}@b.co"), ContextType::Team, "demo", &[permission]).await;
        put(&caller, body.clone()).await;
        for (other, denied) in changes.iter().filter(|(other, _)| other != permission) {
            let reply = caller.put(APP).json(denied).send().await;
            assert_eq!(reply.status, 403, "{permission} allows {other}");
        }
        let both = json!({"description": "d", "tags": ["t"]});
        caller.put(APP).json(&both).send().await.fails(403, FORBIDDEN);
    }
    let platform = server.user_with("p@b.co", ContextType::Team, "demo", &["app.update.platform"]).await;
    platform.put(APP).json(&json!({"platform": "go"})).send().await.fails(403, FORBIDDEN);
    let foreign = server.user_with("f@b.co", ContextType::Team, "foreign", &["app"]).await;
    foreign.put(APP).json(&json!({"description": "d"})).send().await.fails(403, FORBIDDEN);
}

#[actix_web::test]
async fn processes_get_only_plans_that_the_pool_allows() {
    let server = with_app().await;
    let admin = server.admin().await;
    let limit = json!({"PoolExpr": "local", "Field": "plan", "Values": ["c0.1m0.2"]});
    admin.put("/1.3/constraints").json(&limit).send().await.ok(200);
    let processes = json!([{"name": "web", "plan": "c1m1"}]);
    let refused = r#"App plan "c1m1" is not allowed on pool "local""#;
    admin.put(APP).json(&json!({"processes": processes})).send().await.fails(400, refused);
    let new = json!({"name": "other", "teamOwner": "demo", "processes": processes});
    admin.post("/1.0/apps").json(&new).send().await.fails(400, refused);
    admin.put(APP).json(&json!({"processes": [{"name": "web", "plan": "c0.1m0.2"}]})).send().await.ok(200);
}
