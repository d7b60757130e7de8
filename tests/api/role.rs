//! Roles: what they grant, who holds them, their names.

use bson::doc;
use impaas::{
    permission::{Role, role},
    store::{Filter, Update},
    user::User,
};
use serde_json::json;

use super::harness::{Caller, Reply, Server};
use impaas::permission::ContextType::{App, Global, Team};

const DENIED: &str = "You don't have permission to do this action";
const BOB: &str = "bob@example.com";

async fn add(caller: &Caller<'_>, name: &str, context: &str) -> Reply {
    caller.post("/1.0/roles").form(&[("name", name), ("context", context), ("description", "")]).send().await
}

async fn permit(caller: &Caller<'_>, role: &str, permissions: &[&str]) -> Reply {
    let form: Vec<(&str, &str)> = permissions.iter().map(|name| ("permission", *name)).collect();
    caller.post(&format!("/1.0/roles/{role}/permissions")).form(&form).send().await
}

async fn assign(caller: &Caller<'_>, role: &str, email: &str, context: &str) -> Reply {
    caller.post(&format!("/1.0/roles/{role}/user")).form(&[("email", email), ("context", context)]).send().await
}

async fn dissociate(caller: &Caller<'_>, role: &str, email: &str, context: &str) -> Reply {
    caller.delete(&format!("/1.0/roles/{role}/user/{email}?context={context}")).send().await
}

/// What a user holds, as `role(kind value)`.
async fn held(caller: &Caller<'_>) -> Vec<String> {
    let info = caller.get("/1.0/users/info").send().await.ok(200).json();
    let text = |role: &serde_json::Value, key: &str| role[key].as_str().unwrap().to_owned();
    let roles = info["Roles"].as_array().unwrap().iter();
    roles.map(|role| format!("{}({} {})", text(role, "Name"), text(role, "ContextType"), text(role, "ContextValue"))).collect()
}

async fn token(server: &Server, id: &str) {
    let token =
        doc! { "_id": bson::oid::ObjectId::new(), "token": id, "token_id": id, "team": "demo", "created_at": bson::DateTime::now() };
    server.ctx.store.backend().load("team_tokens", vec![token]).await.unwrap();
}

#[actix_web::test]
async fn a_role_is_made_filled_and_read() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/roles").form(&[("name", "member"), ("context", "team"), ("description", "a member")]).send().await.ok(201);
    permit(&admin, "member", &["app", "team", "app"]).await.ok(200);
    let info = admin.get("/1.0/roles/member").send().await.ok(200).text;
    assert_eq!(info, r#"{"name":"member","context":"team","Description":"a member","scheme_names":["app","team"]}"#);
    admin.delete("/1.0/roles/member/permissions/team").send().await.ok(200);
    let all = admin.get("/1.0/roles").send().await.ok(200).json();
    assert!(
        all.as_array().unwrap().contains(&json!({"name": "member", "context": "team", "Description": "a member", "scheme_names": ["app"]}))
    );
    permit(&admin, "user", &["*"]).await.ok(200);
    admin.delete("/1.0/roles/user/permissions/*").send().await.ok(200);
    assert_eq!(admin.get("/1.0/roles/user").send().await.json()["scheme_names"], json!(["role.update.assign", "team.create"]));
}

#[actix_web::test]
async fn roles_are_refused_with_the_words_of_the_contract() {
    let server = Server::new().await;
    let admin = server.admin().await;
    add(&admin, " ", "team").await.fails(400, "invalid role name");
    add(&admin, "user", "global").await.fails(409, "role already exists");
    add(&admin, "x", "teams").await.fails(500, "invalid context type \"teams\"");
    admin.get("/1.0/roles/ghost").send().await.fails(404, "role not found");
    admin.delete("/1.0/roles/ghost").send().await.fails(404, "role not found");
    permit(&admin, "ghost", &["app"]).await.fails(404, "role not found");
    admin.delete("/1.0/roles/ghost/permissions/app").send().await.fails(404, "role not found");
    permit(&admin, "team-member", &["nope.nope"]).await.fails(400, "permission named \"nope.nope\" not found");
    permit(&admin, "team-member", &[""]).await.fails(400, "invalid permission name");
    permit(&admin, "team-member", &["cluster"]).await.fails(409, "permission \"cluster\" not allowed with context of type \"team\"");
    let mixed = "cannot mix static and dynamic permissions in one request";
    permit(&admin, "team-member", &["app", "service-action.db.x"]).await.fails(400, mixed);
    let refused = permit(&admin, "team-member", &["volume", "nope"]).await;
    refused.fails(400, "permission named \"nope\" not found");
    assert_eq!(admin.get("/1.0/roles/team-member").send().await.json()["scheme_names"], json!(["app", "team.read", "team.token"]));
}

#[actix_web::test]
async fn permissions_on_roles_must_be_held_everywhere() {
    let server = Server::new().await;
    let lead = server.user_with("lead@example.com", Team, "demo", &["app", "team"]).await;
    add(&lead, "x", "team").await.fails(403, DENIED);
    permit(&lead, "team-member", &["app"]).await.fails(403, DENIED);
    assign(&lead, "team-member", BOB, "demo").await.fails(403, DENIED);
    dissociate(&lead, "team-member", BOB, "demo").await.fails(403, DENIED);
    let form = [("name", "user"), ("newName", "x")];
    lead.put("/1.4/roles").form(&form).send().await.fails(403, DENIED);
    lead.post("/1.0/role/default").form(&[("team-create", "team-member")]).send().await.fails(403, DENIED);
    lead.post("/1.6/roles/team-member/token").form(&[("token_id", "ci"), ("context", "demo")]).send().await.fails(403, DENIED);
    lead.post("/1.9/roles/team-member/group").form(&[("group_name", "g"), ("context", "demo")]).send().await.fails(403, DENIED);
    lead.post("/roles/associate").json(&json!({"users": [BOB], "context": "demo", "role": "team-member"})).send().await.fails(403, DENIED);
    let body = json!({"users": [BOB], "context": "demo", "role": "team-member"});
    lead.delete("/roles/dissociate").json(&body).send().await.fails(403, DENIED);
    for path in ["/roles/x", "/roles/x/permissions/app", "/roles/x/token/y", "/roles/x/group/y", "/role/default"] {
        lead.delete(path).send().await.fails(403, DENIED);
    }
    for path in ["/roles", "/roles/user", "/role/default", "/permissions"] {
        lead.get(path).send().await.fails(403, DENIED);
    }
}

#[actix_web::test]
async fn permissions_are_listed_by_name_with_the_root_first() {
    let server = Server::new().await;
    let reader = server.user_with("reader@example.com", Global, "", &["role.update"]).await;
    let all = reader.get("/1.0/permissions").send().await.ok(200).json();
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|item| item["Name"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[0], names.is_sorted()), (218, "", true));
    assert_eq!(all[1], json!({"Name": "apikey", "Contexts": ["global", "user"]}));
}

#[actix_web::test]
async fn an_assigned_role_is_held_in_its_context_until_it_is_taken() {
    let server = Server::new().await;
    let (admin, bob) = (server.admin().await, server.user(BOB).await);
    for _ in 0..2 {
        assign(&admin, "team-member", BOB, "demo").await.ok(200);
    }
    admin.post("/roles/user/user?email=bob@example.com&context=").send().await.ok(200);
    assert_eq!(held(&bob).await, ["team-member(team demo)", "user(global )"]);
    bob.get("/1.17/teams/demo/users").send().await.ok(200);
    dissociate(&admin, "team-member", BOB, "demo").await.ok(200);
    assert_eq!(held(&bob).await, ["user(global )"]);
    bob.get("/1.17/teams/demo/users").send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn who_gives_or_takes_a_role_holds_all_of_it_in_that_context() {
    let server = Server::new().await;
    let bob = server.user(BOB).await;
    let lead = server.user_with("lead@example.com", Team, "demo", &["app", "team.read", "team.token"]).await;
    assign(&server.admin().await, "user", "lead@example.com", "").await.ok(200);
    server.admin().await.post("/teams?name=other").send().await.ok(201);
    let text = "User not authorized to use permission app(team other)";
    assign(&lead, "team-member", BOB, "other").await.fails(403, text);
    let text = "User not authorized to use permission volume(team demo)";
    assign(&lead, "team-member_volume", BOB, "demo").await.fails(403, text);
    assign(&lead, "AllowAll", "lead@example.com", "").await.fails(403, "User not authorized to use permission (global)");
    assign(&lead, "team-member", BOB, "demo").await.ok(200);
    assert_eq!(held(&bob).await, ["team-member(team demo)"]);
    let taker = server.user_with("taker@example.com", Global, "", &["role.update.dissociate"]).await;
    dissociate(&taker, "team-member", BOB, "demo").await.fails(403, "User not authorized to use permission app(team demo)");
}

#[actix_web::test]
async fn grants_need_a_user_a_role_and_a_thing_that_are_there() {
    let server = Server::new().await;
    let admin = server.admin().await;
    server.user(BOB).await;
    assign(&admin, "team-member", "ghost@example.com", "demo").await.fails(500, "user not found");
    dissociate(&admin, "team-member", "ghost@example.com", "demo").await.fails(500, "user not found");
    assign(&admin, "nosuch", BOB, "demo").await.fails(404, "role not found");
    dissociate(&admin, "nosuch", BOB, "demo").await.fails(404, "role not found");
    assign(&admin, "team-member", BOB, "").await.fails(400, "Global context value is not valid for role with context type team");
    let texts = [
        ("app", "App not found"),
        ("team", "team not found"),
        ("user", "user not found"),
        ("pool", "Pool does not exist."),
        ("service", "Service not found."),
        ("service-instance", "service instance ghost, not found"),
        ("volume", "volume not found"),
        ("router", "router \"ghost\" not found"),
        ("job", "Job not found"),
    ];
    for (kind, text) in texts {
        add(&admin, &format!("in-{kind}"), kind).await.ok(201);
        assign(&admin, &format!("in-{kind}"), BOB, "ghost").await.fails(400, text);
    }
    assign(&admin, "in-pool", BOB, "local").await.ok(200);
    assign(&admin, "in-user", BOB, BOB).await.ok(200);
}

#[actix_web::test]
async fn tokens_and_groups_hold_roles_too() {
    let server = Server::new().await;
    let (admin, bob) = (server.admin().await, server.user(BOB).await);
    token(&server, "ci").await;
    let form = [("token_id", "ci"), ("context", "demo")];
    admin.post("/1.6/roles/team-member/token").form(&form).send().await.ok(200);
    let missing = admin.post("/1.6/roles/team-member/token").form(&[("token_id", "no"), ("context", "demo")]).send().await.ok(404);
    assert_eq!(missing.text, "");
    admin.delete("/1.6/roles/team-member/token/ci?context=demo").send().await.ok(200);
    assert_eq!(admin.delete("/1.6/roles/team-member/token/no?context=demo").send().await.ok(404).text, "");
    admin.post("/1.9/roles/team-member/group").form(&[("context", "demo")]).send().await.fails(500, "group name cannot be empty");
    admin.post("/1.9/roles/team-member/group").form(&[("group_name", "lab"), ("context", "demo")]).send().await.ok(200);
    server.ctx.store.of::<User>().update(Filter::eq("email", BOB), Update::set("groups", ["lab"])).await.unwrap();
    assert_eq!(held(&bob).await, ["team-member(team demo)"]);
    admin.delete("/1.9/roles/team-member/group/lab?context=demo").send().await.ok(200);
    admin.delete("/1.9/roles/team-member/group/never?context=demo").send().await.ok(200);
    assert!(held(&bob).await.is_empty());
}

#[actix_web::test]
async fn one_request_gives_and_takes_a_role_for_many_users() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let (bob, eve) = (server.user(BOB).await, server.user("eve@example.com").await);
    let body = json!({"users": [BOB, "eve@example.com"], "context": "demo", "role": "team-member"});
    admin.post("/roles/associate").json(&body).send().await.ok(200);
    assert_eq!(
        (held(&bob).await, held(&eve).await),
        (vec!["team-member(team demo)".to_owned()], vec!["team-member(team demo)".to_owned()])
    );
    admin.delete("/roles/dissociate").json(&body).send().await.ok(200);
    assert!(held(&bob).await.is_empty() && held(&eve).await.is_empty());
    let with_ghost = json!({"users": [BOB, "ghost@example.com"], "context": "demo", "role": "team-member"});
    admin.post("/roles/associate").json(&with_ghost).send().await.fails(404, "user not found");
    assert!(held(&bob).await.is_empty());
    admin
        .post("/roles/associate")
        .json(&json!({"users": [BOB], "context": "demo", "role": "no"}))
        .send()
        .await
        .fails(404, "role not found");
}

#[actix_web::test]
async fn a_role_that_users_hold_stays_and_others_lose_it() {
    let server = Server::new().await;
    let (admin, bob) = (server.admin().await, server.user(BOB).await);
    token(&server, "ci").await;
    assign(&admin, "team-member", BOB, "demo").await.ok(200);
    admin.post("/1.6/roles/team-member/token").form(&[("token_id", "ci"), ("context", "demo")]).send().await.ok(200);
    let text = "role has users assigned. you must dissociate them before remove the role.";
    admin.delete("/1.0/roles/team-member").send().await.fails(412, text);
    dissociate(&admin, "team-member", BOB, "demo").await.ok(200);
    admin.delete("/1.0/roles/team-member").send().await.ok(200);
    let tokens = server.ctx.store.backend().dump("team_tokens").await.unwrap();
    assert!(!format!("{tokens:?}").contains("team-member"));
    assert!(held(&bob).await.is_empty());
}

#[actix_web::test]
async fn a_role_of_a_used_name_starts_without_holders_that_a_crash_left() {
    let server = Server::new().await;
    let (admin, bob) = (server.admin().await, server.user_with(BOB, Global, "", &["app"]).await);
    server.ctx.store.of::<Role>().delete(Filter::id("role-of-bob")).await.unwrap();
    add(&admin, "role-of-bob", "global").await.ok(201);
    assert!(held(&bob).await.is_empty());
}

#[actix_web::test]
async fn a_new_name_reaches_everybody_who_holds_the_role() {
    let server = Server::new().await;
    let (admin, bob) = (server.admin().await, server.user(BOB).await);
    token(&server, "ci").await;
    assign(&admin, "team-member", BOB, "demo").await.ok(200);
    admin.post("/1.6/roles/team-member/token").form(&[("token_id", "ci"), ("context", "demo")]).send().await.ok(200);
    admin.post("/1.9/roles/team-member/group").form(&[("group_name", "lab"), ("context", "demo")]).send().await.ok(200);
    admin.put("/1.4/roles").form(&[("name", "team-member"), ("newName", "student"), ("description", "learns")]).send().await.ok(200);
    assert_eq!(held(&bob).await, ["student(team demo)"]);
    for collection in ["team_tokens", "auth_groups"] {
        let text = format!("{:?}", server.ctx.store.backend().dump(collection).await.unwrap());
        assert!(text.contains("\"student\"") && !text.contains("team-member"), "{text}");
    }
    let role = admin.get("/1.0/roles/student").send().await.ok(200).json();
    assert_eq!((&role["Description"], &role["events"]), (&json!("learns"), &json!(["team-create"])));
    admin.get("/1.0/roles/team-member").send().await.fails(404, "role not found");
}

#[actix_web::test]
async fn a_rename_of_a_role_that_was_cut_short_is_finished_by_the_next_start() {
    let server = Server::new().await;
    let bob = server.user_with(BOB, App, "blog", &["app"]).await;
    let old = Role::load(&server.ctx.store, "role-of-bob").await.unwrap();
    let half = Role { name: "new".into(), renamed_from: Some(old.name.clone()), ..old };
    server.ctx.store.of::<Role>().insert(&half).await.unwrap();
    role::rename::finish_all(&server.ctx.store).await.unwrap();
    assert_eq!(held(&bob).await, ["new(app blog)"]);
    assert!(Role::load(&server.ctx.store, "role-of-bob").await.is_err());
}

#[actix_web::test]
async fn a_role_that_is_held_keeps_its_type_of_context() {
    let server = Server::new().await;
    let (admin, bob) = (server.admin().await, server.user(BOB).await);
    assign(&admin, "team-deployer", BOB, "demo").await.ok(200);
    let change = |kind: &'static str| [("name", "team-deployer"), ("contextType", kind)];
    let text = "the context type of a role that is assigned cannot be changed, dissociate it first";
    admin.put("/1.4/roles").form(&change("global")).send().await.fails(400, text);
    assert_eq!(held(&bob).await, ["team-deployer(team demo)"]);
    dissociate(&admin, "team-deployer", BOB, "demo").await.ok(200);
    let text = "wrong context type for role event, expected \"team\" role has \"app\"";
    admin.put("/1.4/roles").form(&change("app")).send().await.fails(400, text);
    admin.delete("/1.0/role/default?team-create=team-deployer").send().await.ok(200);
    admin
        .put("/1.4/roles")
        .form(&change("volume"))
        .send()
        .await
        .fails(400, "permission \"app.deploy\" not allowed with context of type \"volume\"");
    admin.put("/1.4/roles").form(&change("app")).send().await.ok(200);
    assert_eq!(admin.get("/1.0/roles/team-deployer").send().await.json()["context"], "app");
}

#[actix_web::test]
async fn an_update_needs_something_to_change_and_its_own_permission() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let text = "Neither the description, context or new name were set. You must define at least one.";
    admin.put("/1.4/roles").form(&[("name", "user")]).send().await.fails(400, text);
    admin.put("/1.4/roles").form(&[("name", "ghost"), ("description", "x")]).send().await.fails(400, "role not found");
    admin.put("/1.4/roles").form(&[("name", "user"), ("newName", "AllowAll")]).send().await.fails(400, "role already exists");
    admin.put("/1.4/roles").form(&[("name", "user"), ("contextType", "x")]).send().await.fails(400, "invalid context type \"x\"");
    let describer = server.user_with("d@example.com", Global, "", &["role.update.description"]).await;
    describer.put("/1.4/roles").json(&json!({"name": "user", "description": "x"})).send().await.ok(200);
    for field in ["newName", "contextType"] {
        describer.put("/1.4/roles").form(&[("name", "user"), ("description", "y"), (field, "app")]).send().await.fails(403, DENIED);
    }
}

#[actix_web::test]
async fn events_grant_default_roles() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let names =
        |json: serde_json::Value| json.as_array().unwrap().iter().map(|role| role["name"].to_string()).collect::<Vec<_>>().join(",");
    let list = admin.get("/1.0/role/default").send().await.ok(200);
    assert_eq!(names(list.json()), "\"user\",\"team-member\",\"team-deployer\"");
    let form = [("team-create", "team-member_volume"), ("team-create", "team-member_service")];
    admin.post("/1.0/role/default").form(&form).send().await.ok(200);
    admin.delete("/1.0/role/default?team-create=team-member&user-create=user").send().await.ok(200);
    let list = admin.get("/1.0/role/default").send().await.ok(200);
    assert_eq!(names(list.json()), "\"team-member_service\",\"team-member_volume\",\"team-deployer\"");
    admin.post("/1.0/role/default").form(&[("team-create", "ghost")]).send().await.fails(400, "role not found");
    admin.delete("/1.0/role/default?team-create=ghost").send().await.fails(400, "role not found");
    let text = "wrong context type for role event, expected \"global\" role has \"team\"";
    admin.post("/1.0/role/default").form(&[("user-create", "team-member")]).send().await.fails(400, text);
    admin.post("/1.0/role/default").send().await.ok(200);
}

#[actix_web::test]
async fn an_app_of_a_used_name_starts_without_grants_in_an_earlier_one() {
    let server = Server::new().await;
    let bob = server.user_with(BOB, App, "blog", &["app"]).await;
    let form = [("name", "blog"), ("platform", "static"), ("teamOwner", "demo")];
    server.admin().await.post("/1.0/apps").form(&form).send().await.ok(201);
    assert!(held(&bob).await.is_empty());
    bob.get("/1.0/apps/blog").send().await.fails(403, DENIED);
}
