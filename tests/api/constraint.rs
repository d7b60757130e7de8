//! Constraints of pools.

use impaas::permission::ContextType;
use serde_json::{Value, json};

use super::harness::{Caller, Server};

const DENIED: &str = "You don't have permission to do this action";
const PATH: &str = "/1.3/constraints";

async fn set(admin: &Caller<'_>, field: &str, values: &[&str], blacklist: bool) {
    let body = json!({"PoolExpr": "local", "Field": field, "Values": values, "Blacklist": blacklist});
    admin.put(PATH).json(&body).send().await.ok(200);
}

async fn values(admin: &Caller<'_>, field: &str) -> Option<Value> {
    let all = admin.get(PATH).send().await.json();
    all.as_array().unwrap().iter().find(|c| c["Field"] == field).map(|c| c["Values"].clone())
}

#[actix_web::test]
async fn a_constraint_is_set_replaced_and_without_values_removed() {
    let server = Server::new().await;
    let admin = server.admin().await;
    set(&admin, "plan", &["c1m1"], false).await;
    set(&admin, "plan", &["c8*"], true).await;
    let all = admin.get(PATH).send().await.json();
    let own = json!({"PoolExpr": "local", "Field": "plan", "Values": ["c8*"], "Blacklist": true});
    assert!(all.as_array().unwrap().contains(&own), "{all}");
    set(&admin, "plan", &[""], false).await;
    assert_eq!(values(&admin, "plan").await, None);
    set(&admin, "plan", &[], false).await;
    assert_eq!(values(&admin, "plan").await, None);
}

#[actix_web::test]
async fn values_are_appended_once() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let body = json!({"PoolExpr": "local", "Field": "router", "Values": ["a", "b"], "Blacklist": false, "append": true});
    admin.put(PATH).json(&body).send().await.ok(200);
    let form = [("PoolExpr", "local"), ("Field", "router"), ("Values.0", "b"), ("Values.1", "c")];
    admin.put("/1.3/constraints?append=true").form(&form).send().await.ok(200);
    assert_eq!(values(&admin, "router").await, Some(json!(["a", "b", "c"])));
}

#[actix_web::test]
async fn what_is_wrong_with_a_constraint_is_said() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.put(PATH).json(&json!({"Field": "team"})).send().await.fails(400, "You must provide a Pool Expression");
    let text = "invalid constraint type. Valid types are: [team service router plan volume-plan cert-issuer]";
    admin.put(PATH).json(&json!({"PoolExpr": "local", "Field": "color", "Values": ["x"]})).send().await.fails(500, text);
}

#[actix_web::test]
async fn no_constraint_at_all_is_204() {
    let server = Server::new().await;
    let admin = server.admin().await;
    set(&admin, "team", &[], false).await;
    admin.get(PATH).send().await.ok(204);
}

#[actix_web::test]
async fn constraints_need_a_global_grant() {
    let server = Server::new().await;
    let keeper = server.user_with("keeper@example.com", ContextType::Pool, "local", &["pool"]).await;
    keeper.get(PATH).send().await.fails(403, DENIED);
    keeper.put(PATH).json(&json!({"PoolExpr": "local", "Field": "team"})).send().await.fails(403, DENIED);
    let global = server.user_with("global@example.com", ContextType::Global, "", &["pool.read.constraints"]).await;
    global.get(PATH).send().await.ok(200);
}
