//! Team tokens: making, seeing, changing, removing them, and what they may do.

use bson::doc;
use impaas::{
    auth::team_token::TeamToken,
    clock::Time,
    permission::{ContextType::Global, ContextType::Team, role::RoleInstance},
    store::{Filter, Update},
};
use serde_json::{Value, json};

use super::harness::{Caller, Reply, Server};

const DENIED: &str = "You don't have permission to do this action";

async fn create(caller: &Caller<'_>, id: &str) -> Value {
    let body = json!({"token_id": id, "team": "demo", "expires_in": 3600, "description": "for CI"});
    caller.post("/1.6/tokens").json(&body).send().await.ok(201).json()
}

async fn hold(server: &Server, id: &str, role: &str) {
    let held = RoleInstance { name: role.into(), context_value: "demo".into() };
    server.ctx.store.of::<TeamToken>().update(Filter::eq("token_id", id), Update::add_to_set("roles", held)).await.unwrap();
}

#[actix_web::test]
async fn a_token_is_made_shown_again_and_does_what_its_roles_allow() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let made = create(&admin, "ci").await;
    let text = made["token"].as_str().unwrap();
    assert_eq!((&made["creator_email"], &made["last_access"]), (&json!("admin@example.com"), &json!("0001-01-01T00:00:00Z")));
    assert_eq!((made.get("roles"), &made["team"], &made["description"]), (None, &json!("demo"), &json!("for CI")));
    hold(&server, "ci", "team-member").await;
    let again = admin.get("/1.7/tokens/ci").send().await.ok(200).json();
    assert_eq!((&again["token"], &again["roles"]), (&made["token"], &json!([{"Name": "team-member", "ContextValue": "demo"}])));
    let ci = server.with_token(text);
    let info = ci.get("/users/info").send().await.ok(200).json();
    assert_eq!((&info["Email"], &info["Roles"][0]["Name"]), (&json!("ci@tsuru-team-token"), &json!("team-member")));
    ci.get("/1.17/teams/demo/users").send().await.ok(200);
    ci.get("/1.4/teams/demo").send().await.fails(403, DENIED);
    let form = [("old", "x"), ("new", "yyyyyy"), ("confirm", "yyyyyy")];
    let own = ci.put("/users/password").form(&form).send().await;
    own.fails(403, "the given password didn't match the user's current password");
    admin.delete("/1.6/tokens/ci").send().await.ok(200);
    assert_eq!(ci.get("/users/info").send().await.status, 401);
}

#[actix_web::test]
async fn ids_and_teams_are_chosen_when_none_are_given() {
    let server = Server::new().await;
    let lead = server.user_with("lead@example.com", Team, "demo", &["team.token"]).await;
    let made = lead.post("/1.6/tokens").form(&[("description", "x")]).send().await.ok(201).json();
    let expected = format!("demo-{}", &made["token"].as_str().unwrap()[..5]);
    assert_eq!((&made["token_id"], &made["expires_at"]), (&json!(expected), &json!("0001-01-01T00:00:00Z")));
    let admin = server.admin().await;
    admin.post("/1.0/teams?name=other").send().await.ok(201);
    admin.post("/1.6/tokens").json(&json!({})).send().await.fails(400, "You must provide a team to execute this action.");
    let nobody = server.user("nobody@example.com").await;
    nobody.post("/1.6/tokens").json(&json!({})).send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn tokens_are_refused_with_the_words_of_the_contract() {
    let server = Server::new().await;
    let admin = server.admin().await;
    create(&admin, "ci").await;
    let post = |id: &'static str, team: &'static str| admin.post("/1.6/tokens").json(&json!({"token_id": id, "team": team})).send();
    post("ci", "demo").await.fails(500, "team token already exists");
    post("Bad ID", "demo").await.fails(500, "invalid token_id");
    post("x", "ghost").await.fails(500, "team not found");
    let broken = admin.post("/1.6/tokens").body("application/json", "{").send().await.ok(400);
    assert!(broken.text.starts_with("unable to parse as json: "));
    for method in ["GET", "PUT", "DELETE"] {
        admin.request(method, "/1.7/tokens/ghost").send().await.fails(404, "team token not found");
    }
    let app = doc! { "_id": bson::oid::ObjectId::new(), "name": "its", "owner": "ci@tsuru-team-token", "teams": ["demo"] };
    server.ctx.store.backend().load("apps", vec![app]).await.unwrap();
    admin.delete("/1.6/tokens/ci").send().await.fails(500, "cannot remove team token who owns apps");
}

#[actix_web::test]
async fn each_route_needs_its_permission_in_the_tokens_team() {
    let server = Server::new().await;
    create(&server.admin().await, "ci").await;
    let foreign = server.user_with("foreign@example.com", Team, "other", &["team"]).await;
    let reader = server.user_with("reader@example.com", Team, "demo", &["team.token.read"]).await;
    let body = json!({"token_id": "x", "team": "demo"});
    for caller in [&foreign, &reader] {
        caller.post("/1.6/tokens").json(&body).send().await.fails(403, DENIED);
        caller.put("/1.6/tokens/ci").json(&json!({"regenerate": true})).send().await.fails(403, DENIED);
        caller.delete("/1.6/tokens/ci").send().await.fails(403, DENIED);
    }
    foreign.get("/1.7/tokens/ci").send().await.fails(403, DENIED);
    reader.get("/1.7/tokens/ci").send().await.ok(200);
}

#[actix_web::test]
async fn the_list_has_tokens_of_teams_where_they_may_be_read() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.get("/1.6/tokens").send().await.ok(204);
    create(&admin, "ci").await;
    assert_eq!(admin.get("/1.6/tokens").send().await.ok(200).json()[0]["token_id"], "ci");
    let reader = server.user_with("reader@example.com", Team, "demo", &["team.token.read"]).await;
    assert_eq!(reader.get("/1.6/tokens").send().await.ok(200).json()[0]["token_id"], "ci");
    let foreign = server.user_with("foreign@example.com", Team, "other", &["team"]).await;
    foreign.get("/1.6/tokens").send().await.ok(204);
    server.user("nobody@example.com").await.get("/1.6/tokens").send().await.ok(204);
}

async fn seen(caller: &Caller<'_>) -> Reply {
    caller.get("/1.7/tokens/ci").send().await
}

#[actix_web::test]
async fn a_token_that_may_more_than_its_reader_is_not_shown() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let made = create(&admin, "ci").await;
    let reader = server.user_with("reader@example.com", Team, "demo", &["team.token"]).await;
    assert_eq!(seen(&reader).await.json()["token"], made["token"]);
    hold(&server, "ci", "team-deployer").await;
    assert_eq!(seen(&reader).await.json()["token"], "");
    assert_eq!(reader.get("/1.6/tokens").send().await.json()[0]["token"], "");
    assert_eq!(reader.put("/1.6/tokens/ci").json(&json!({"regenerate": true})).send().await.ok(200).json()["token"], "");
    let all = server.user_with("all@example.com", Global, "", &["team.token.read", "app"]).await;
    assert_ne!(seen(&all).await.json()["token"], "");
}

#[actix_web::test]
async fn an_update_changes_only_what_it_names() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let made = create(&admin, "ci").await;
    let update = |body: Value| admin.put("/1.6/tokens/ci").json(&body).send();
    let described = update(json!({"description": "changed"})).await.ok(200).json();
    assert_eq!((&described["token"], &described["expires_at"]), (&made["token"], &made["expires_at"]));
    assert_eq!(described["description"], "changed");
    assert_eq!(update(json!({"expires_in": -1})).await.ok(200).json()["expires_at"], "0001-01-01T00:00:00Z");
    assert_ne!(update(json!({"expires_in": i64::MAX})).await.ok(200).json()["expires_at"], "0001-01-01T00:00:00Z");
    let anew = update(json!({"regenerate": true})).await.ok(200).json();
    assert_eq!((&anew["description"], anew["token"] == made["token"]), (&json!("changed"), false));
    assert_eq!(server.with_token(made["token"].as_str().unwrap()).get("/users/info").send().await.status, 401);
    server.with_token(anew["token"].as_str().unwrap()).get("/users/info").send().await.ok(200);
    assert_eq!(update(json!({})).await.ok(200).json()["token"], anew["token"]);
}

#[actix_web::test]
async fn a_token_works_until_its_end() {
    let server = Server::new().await;
    let made = create(&server.admin().await, "ci").await;
    let ci = server.with_token(made["token"].as_str().unwrap());
    ci.get("/users/info").send().await.ok(200);
    let past = Time::from_millis(Time::now().millis() - 1000);
    server.ctx.store.of::<TeamToken>().update(Filter::eq("token_id", "ci"), Update::set("expires_at", past)).await.unwrap();
    assert_eq!(ci.get("/users/info").send().await.status, 401);
}

#[actix_web::test]
async fn events_never_hold_the_token() {
    let server = Server::new().await;
    let made = create(&server.admin().await, "ci").await;
    let events = format!("{:?}", server.ctx.store.backend().dump("events").await.unwrap());
    assert!(events.contains("team.token.create") && !events.contains(made["token"].as_str().unwrap()));
}
