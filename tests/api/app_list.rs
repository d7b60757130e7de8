//! The list of apps is written once and sent again; never an old one.

use super::{
    deploy::{deploy, server},
    harness::Caller,
};

async fn list(caller: &Caller<'_>) -> serde_json::Value {
    caller.get("/1.0/apps").send().await.ok(200).json()
}

#[actix_web::test]
async fn a_list_shows_a_change_of_an_app_at_once() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    assert_eq!(list(&admin).await[0]["cname"], serde_json::json!([]));
    admin.post("/1.0/apps/a/cname").form(&[("cname", "a.example.com")]).send().await.ok(200);
    assert_eq!(list(&admin).await[0]["cname"], serde_json::json!(["a.example.com"]));
    admin.delete("/1.0/apps/a").send().await.ok(200);
    admin.get("/1.0/apps").send().await.ok(204);
}

#[actix_web::test]
async fn a_list_shows_a_change_of_units_at_once() {
    let (server, memory) = server().await;
    let admin = server.admin().await;
    deploy(&admin, &[("origin", "app-deploy")]).await.ok(200);
    assert_eq!(list(&admin).await[0]["units"].as_array().unwrap().len(), memory.shape("a").len());
    admin.put("/1.0/apps/a/units").form(&[("units", "2"), ("process", "web")]).send().await.ok(200);
    assert_eq!(list(&admin).await[0]["units"].as_array().unwrap().len(), memory.shape("a").len() + 2);
}

#[actix_web::test]
async fn two_callers_with_different_rights_never_share_a_list() {
    let (server, _) = server().await;
    let (admin, stranger) = (server.admin().await, server.user("eve@example.com").await);
    list(&admin).await;
    stranger.get("/1.0/apps").send().await.ok(204);
}
