//! Pools.

use impaas::{app::App, permission::ContextType, pool::Pool, store::Filter};
use serde_json::json;

use super::harness::{Caller, Server};

const DENIED: &str = "You don't have permission to do this action";

async fn add(admin: &Caller<'_>, body: serde_json::Value) {
    admin.post("/1.0/pools").json(&body).send().await.ok(201);
}

async fn names(caller: &Caller<'_>) -> Vec<String> {
    let reply = caller.get("/1.0/pools").send().await;
    if reply.status == 204 {
        return vec![];
    }
    reply.json().as_array().unwrap().iter().map(|pool| pool["Name"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_new_pool_is_there_with_what_it_allows() {
    let server = Server::new().await;
    let admin = server.admin().await;
    add(&admin, json!({"name": "dev", "public": true, "provisioner": "local", "labels": {"a": "b"}})).await;
    let pool = admin.get("/1.8/pools/dev").send().await.ok(200).json();
    assert_eq!((&pool["Name"], &pool["Default"], &pool["public"]), (&json!("dev"), &json!(false), &json!(true)));
    assert_eq!((&pool["Provisioner"], &pool["Labels"]), (&json!("local"), &json!({"a": "b"})));
    assert_eq!((&pool["teams"], &pool["allowed"]["team"]), (&json!(["demo"]), &json!(["demo"])));
    assert_eq!((&pool["allowed"]["router"], &pool["allowed"]["service"]), (&json!(["local"]), &json!(null)));
    assert_eq!(pool["allowed"]["plan"].as_array().unwrap().len(), 22);
    admin.get("/pools/none").send().await.fails(404, "Pool does not exist.");
}

#[actix_web::test]
async fn what_is_wrong_with_a_new_pool_is_said() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let long = "Invalid pool name, pool name should have at most 40 characters, containing only lower case letters, numbers or dashes, \
                starting with a letter.";
    let absent = "provisioner \"moon\" is not there yet in this server, use \"local\"";
    for (body, status, text) in [
        (json!({"name": ""}), 400, "Pool name is required."),
        (json!({"name": "local"}), 409, "Pool already exists."),
        (json!({"name": "dev", "default": true}), 409, "Default pool already exists."),
        (json!({"name": "Dev"}), 400, long),
        (json!({"name": "dev", "provisioner": "moon"}), 501, absent),
    ] {
        admin.post("/1.0/pools").json(&body).send().await.fails(status, text);
    }
    admin.post("/1.0/pools").body("application/json", "{").send().await.ok(400);
    assert_eq!(names(&admin).await, ["local"]);
}

#[actix_web::test]
async fn there_is_one_default_pool_and_force_moves_it() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/pools").form(&[("name", "dev"), ("default", "true"), ("force", "true")]).send().await.ok(201);
    let defaults = async || -> Vec<String> {
        let pools = server.ctx.store.of::<Pool>().find(Filter::eq("default", true)).await.unwrap();
        pools.into_iter().map(|pool| pool.name).collect()
    };
    assert_eq!(defaults().await, ["dev"]);
    admin.put("/1.0/pools/local").json(&json!({"default": true})).send().await.fails(409, "Default pool already exists.");
    admin.put("/1.0/pools/local").json(&json!({"default": true, "force": true})).send().await.ok(200);
    assert_eq!(defaults().await, ["local"]);
}

#[actix_web::test]
async fn an_update_changes_only_what_it_says() {
    let server = Server::new().await;
    let admin = server.admin().await;
    add(&admin, json!({"name": "dev", "labels": {"a": "b"}})).await;
    admin.put("/1.0/pools/dev").json(&json!({"public": true})).send().await.ok(200);
    let pool = admin.get("/1.8/pools/dev").send().await.json();
    assert_eq!((&pool["public"], &pool["Labels"]), (&json!(true), &json!({"a": "b"})));
    admin.put("/1.0/pools/dev").json(&json!({"public": false, "labels": {"c": "d"}})).send().await.ok(200);
    let pool = admin.get("/1.8/pools/dev").send().await.json();
    assert_eq!((&pool["public"], &pool["Labels"], &pool["teams"]), (&json!(false), &json!({"c": "d"}), &json!(null)));
    admin.put("/1.0/pools/none").json(&json!({})).send().await.fails(404, "Pool does not exist.");
}

#[actix_web::test]
async fn a_pool_with_apps_stays() {
    let server = Server::new().await;
    let admin = server.admin().await;
    add(&admin, json!({"name": "dev"})).await;
    let app: App = serde_json::from_value(json!({"_id": bson::oid::ObjectId::new(), "name": "blog", "pool": "dev"})).unwrap();
    server.ctx.store.of::<App>().insert(&app).await.unwrap();
    let text = "This pool has apps, you need to migrate or remove them before removing the pool";
    admin.delete("/1.0/pools/dev").send().await.fails(403, text);
    server.ctx.store.of::<App>().delete(Filter::All).await.unwrap();
    admin.delete("/1.0/pools/dev").send().await.ok(200);
    admin.delete("/1.0/pools/dev").send().await.fails(404, "Pool does not exist.");
}

#[actix_web::test]
async fn a_pool_made_again_begins_without_the_old_ones_constraints() {
    let server = Server::new().await;
    let admin = server.admin().await;
    add(&admin, json!({"name": "dev", "public": true})).await;
    admin.delete("/1.0/pools/dev").send().await.ok(200);
    add(&admin, json!({"name": "dev"})).await;
    assert_eq!(admin.get("/1.8/pools/dev").send().await.json()["public"], json!(false));
}

#[actix_web::test]
async fn teams_are_added_and_removed_by_name() {
    let server = Server::new().await;
    let admin = server.admin().await;
    add(&admin, json!({"name": "dev"})).await;
    let path = "/1.0/pools/dev/team";
    admin.post(path).send().await.fails(400, "You must provide the team.");
    admin.post(path).form(&[("team", "one"), ("team", "two")]).send().await.ok(200);
    admin.post(path).form(&[("team", "one")]).send().await.fails(500, "Team already exists in pool.");
    admin.delete(path).send().await.fails(400, "You must provide the team");
    admin.delete("/1.0/pools/dev/team?team=one").send().await.ok(200);
    let constraints = admin.get("/1.3/constraints").send().await.json();
    let own = json!({"PoolExpr": "dev", "Field": "team", "Values": ["two"], "Blacklist": false});
    assert!(constraints.as_array().unwrap().contains(&own), "{constraints}");
    admin.post("/1.0/pools/local/team").form(&[("team", "demo")]).send().await.fails(500, "Public/Default pool can't have teams.");
    admin.post("/1.0/pools/none/team").form(&[("team", "demo")]).send().await.fails(404, "Pool does not exist.");
    let blacklist = json!({"PoolExpr": "dev", "Field": "team", "Values": ["one"], "Blacklist": true});
    admin.put("/1.3/constraints").json(&blacklist).send().await.ok(200);
    admin.post(path).form(&[("team", "demo")]).send().await.fails(500, "Unable to add teams to blacklist constraint");
    admin.delete("/1.0/pools/dev/team?team=one").send().await.fails(500, "Unable to remove teams from blacklist constraint");
}

#[actix_web::test]
async fn callers_see_the_pools_they_can_use_and_no_others() {
    let server = Server::new().await;
    let admin = server.admin().await;
    for name in ["ours", "theirs", "named"] {
        add(&admin, json!({"name": name})).await;
    }
    admin.post("/1.0/pools/ours/team").form(&[("team", "demo")]).send().await.ok(200);
    admin.post("/1.0/pools/theirs/team").form(&[("team", "others")]).send().await.ok(200);
    let member = server.user_with("member@example.com", ContextType::Team, "demo", &["app"]).await;
    assert_eq!(names(&member).await, ["local", "ours"]);
    let reader = server.user_with("reader@example.com", ContextType::Pool, "named", &["pool.read"]).await;
    assert_eq!(names(&reader).await, ["named"]);
    let nobody = server.user("nobody@example.com").await;
    assert_eq!(names(&nobody).await, Vec::<String>::new());
    nobody.get("/1.0/pools").send().await.ok(204);
}

#[actix_web::test]
async fn pools_are_changed_only_with_permission() {
    let server = Server::new().await;
    let keeper = server.user_with("keeper@example.com", ContextType::Pool, "local", &["pool"]).await;
    let stranger = server.user("stranger@example.com").await;
    for caller in [&keeper, &stranger] {
        caller.post("/1.0/pools").json(&json!({"name": "dev"})).send().await.fails(403, DENIED);
        caller.put("/1.0/pools/local").json(&json!({})).send().await.fails(403, DENIED);
        caller.delete("/1.0/pools/local").send().await.fails(403, DENIED);
        caller.get("/1.8/pools/other").send().await.fails(403, DENIED);
        caller.post("/1.0/pools/other/team").form(&[("team", "demo")]).send().await.fails(403, DENIED);
    }
    stranger.get("/1.8/pools/local").send().await.fails(403, DENIED);
    stranger.delete("/1.0/pools/local/team?team=x").send().await.fails(403, DENIED);
    keeper.get("/1.8/pools/local").send().await.ok(200);
    keeper.delete("/1.0/pools/local/team?team=x").send().await.ok(200);
}

#[actix_web::test]
async fn however_many_want_to_be_the_default_pool_one_is() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let add = async |n: usize| {
        let body = json!({"name": format!("dev{n}"), "default": true, "force": true});
        admin.post("/1.0/pools").json(&body).send().await.status
    };
    let statuses = futures_util::future::join_all((0..8).map(add)).await;
    assert!(statuses.iter().all(|status| [201, 500].contains(status)), "{statuses:?}");
    assert_eq!(server.ctx.store.of::<Pool>().count(Filter::eq("default", true)).await.unwrap(), 1);
}
