//! Users: making, seeing, changing, removing them.

use impaas::{
    auth::session,
    permission::{ContextType, Role, role::RoleInstance},
    store::{Filter, Update},
    user::User,
};
use serde_json::json;

use super::harness::{Caller, Reply, Server};

const DENIED: &str = "You don't have permission to do this action";
const ALICE: &str = "alice@example.com";

async fn create(caller: &Caller<'_>, email: &str, password: &str) -> Reply {
    caller.post("/1.0/users").form(&[("email", email), ("password", password)]).send().await
}

async fn login<'a>(server: &'a Server, email: &str, password: &str) -> Caller<'a> {
    let path = format!("/1.0/users/{email}/tokens");
    let reply = server.nobody().post(&path).form(&[("password", password)]).send().await.ok(200);
    server.with_token(reply.json()["token"].as_str().unwrap())
}

#[actix_web::test]
async fn a_new_user_logs_in_and_holds_the_roles_of_new_users() {
    let server = Server::new().await;
    let reply = create(&server.admin().await, ALICE, "alice123").await.ok(201);
    assert_eq!((reply.text.as_str(), reply.header("content-type")), ("", None));
    let alice = login(&server, ALICE, "alice123").await;
    let info = alice.get("/1.0/users/info").send().await.ok(200);
    let expected = concat!(
        r#"{"Email":"alice@example.com","Roles":[{"Name":"user","ContextType":"global","ContextValue":""}],"#,
        r#""Permissions":[{"Name":"role.update.assign","ContextType":"global","ContextValue":""},"#,
        r#"{"Name":"team.create","ContextType":"global","ContextValue":""}],"Groups":null}"#,
    );
    assert_eq!(info.text.trim_end(), expected);
}

#[actix_web::test]
async fn a_user_is_made_from_json_and_from_the_query_too() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/users").json(&json!({"email": ALICE, "password": "alice123"})).send().await.ok(201);
    admin.post("/1.0/users?email=bob@example.com&password=bob12345").send().await.ok(201);
    login(&server, "bob@example.com", "bob12345").await;
}

#[actix_web::test]
async fn users_are_refused_with_the_words_of_the_contract() {
    let server = Server::new().await;
    let admin = server.admin().await;
    create(&admin, ALICE, "alice123").await.ok(201);
    create(&admin, ALICE, "alice123").await.fails(409, "this email is already registered");
    create(&admin, "not-an-email", "alice123").await.fails(400, "invalid email");
    let length = "password length should be least 6 characters and at most 50 characters";
    create(&admin, "eve@example.com", "short").await.fails(400, length);
    create(&admin, "eve@example.com", &"x".repeat(51)).await.fails(400, length);
}

#[actix_web::test]
async fn only_holders_of_user_create_everywhere_make_users() {
    let server = Server::new().await;
    let text = "User registration is disabled for non-admin users.";
    create(&server.nobody(), ALICE, "alice123").await.fails(401, text);
    let plain = server.user("plain@example.com").await;
    create(&plain, ALICE, "alice123").await.fails(401, text);
    let own = server.user_with("own@example.com", ContextType::User, ALICE, &["user"]).await;
    create(&own, ALICE, "alice123").await.fails(401, text);
    let maker = server.user_with("maker@example.com", ContextType::Global, "", &["user.create"]).await;
    create(&maker, ALICE, "alice123").await.ok(201);
}

#[actix_web::test]
async fn the_list_shows_everything_to_holders_of_user_update() {
    let server = Server::new().await;
    let admin = server.admin().await;
    create(&admin, ALICE, "alice123").await.ok(201);
    let all = admin.get("/1.0/users?userEmail=&role=&context=").send().await.ok(200).json();
    let emails: Vec<&str> = all.as_array().unwrap().iter().map(|user| user["Email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["admin@example.com", ALICE]);
    assert_eq!(all[0]["Permissions"], json!([{"Name": "", "ContextType": "global", "ContextValue": ""}]));
    let one = admin.get("/1.0/users?userEmail=alice@example.com").send().await.ok(200).json();
    assert_eq!((one.as_array().unwrap().len(), &one[0]["Email"]), (1, &json!(ALICE)));
}

#[actix_web::test]
async fn others_see_only_users_whose_roles_they_could_use() {
    let server = Server::new().await;
    let lead = server.user_with("lead@example.com", ContextType::Team, "demo", &["app"]).await;
    server.user_with("mate@example.com", ContextType::Team, "demo", &["app.deploy"]).await;
    server.user_with("other@example.com", ContextType::Team, "another", &["app.deploy"]).await;
    let seen = lead.get("/1.0/users").send().await.ok(200).json();
    let emails: Vec<&str> = seen.as_array().unwrap().iter().map(|user| user["Email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["lead@example.com", "mate@example.com"]);
    let by_role = lead.get("/1.0/users?role=role-of-mate&context=demo").send().await.ok(200).json();
    assert_eq!(by_role[0]["Email"], "mate@example.com");
    lead.get("/1.0/users?role=role-of-other&context=another").send().await.fails(404, "Wrong context being passed.");
    let nobody_else = lead.get("/1.0/users?role=role-of-other").send().await.ok(200).json();
    assert_eq!(nobody_else[0]["Email"], "lead@example.com");
}

#[actix_web::test]
async fn roles_of_groups_are_shown_with_their_group() {
    let server = Server::new().await;
    let user = server.user("grouped@example.com").await;
    let held = RoleInstance { name: "team-deployer".into(), context_value: "demo".into() };
    let group = Filter::eq("name", "lab");
    server.ctx.store.of::<impaas::auth::identify::Group>().upsert(group, Update::add_to_set("roles", held)).await.unwrap();
    let who = Filter::eq("email", "grouped@example.com");
    server.ctx.store.of::<User>().update(who, Update::set("groups", ["lab"])).await.unwrap();
    let info = user.get("/1.0/users/info").send().await.ok(200).json();
    assert_eq!(info["Groups"], json!(["lab"]));
    assert_eq!(info["Roles"][0], json!({"Name": "team-deployer", "ContextType": "team", "ContextValue": "demo", "Group": "lab"}));
    assert_eq!(info["Permissions"][0]["Group"], "lab");
}

#[actix_web::test]
async fn removing_a_user_ends_sessions_and_the_api_key() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let alice = server.user_with(ALICE, ContextType::User, ALICE, &["apikey"]).await;
    let key = alice.get("/1.0/users/api-key").send().await.ok(200).json();
    let by_key = server.with_token(key.as_str().unwrap());
    by_key.get("/1.0/users/info").send().await.ok(200);
    admin.delete("/1.0/users?user=alice@example.com").send().await.ok(200);
    for gone in [&alice, &by_key] {
        assert_eq!(gone.get("/1.0/users/info").send().await.status, 401);
    }
    admin.delete("/1.0/users?user=alice@example.com").send().await.fails(404, "user not found");
}

#[actix_web::test]
async fn a_user_of_a_used_e_mail_starts_without_what_the_earlier_one_had() {
    let server = Server::new().await;
    let admin = server.admin().await;
    create(&admin, ALICE, "alice123").await.ok(201);
    // What a crash, or another server, may leave behind.
    let friend = server.user_with("friend@example.com", ContextType::User, ALICE, &["apikey"]).await;
    friend.get("/1.0/users/api-key?user=alice@example.com").send().await.ok(200);
    server.ctx.store.of::<User>().delete(Filter::eq("email", ALICE)).await.unwrap();
    let left = session::open(&server.ctx.store, ALICE, 7).await.unwrap();
    create(&admin, ALICE, "another1").await.ok(201);
    assert_eq!(server.with_token(left.expose()).get("/1.0/users/info").send().await.status, 401);
    friend.get("/1.0/users/api-key?user=alice@example.com").send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn users_remove_themselves_and_nobody_else() {
    let server = Server::new().await;
    server.user(ALICE).await;
    let bob = server.user_with("bob@example.com", ContextType::Team, "demo", &["app"]).await;
    let foreign = server.user_with("foreign@example.com", ContextType::User, "bob@example.com", &["user"]).await;
    for query in ["user", "email"] {
        bob.delete(&format!("/1.0/users?{query}=alice@example.com")).send().await.fails(403, DENIED);
        foreign.delete(&format!("/1.0/users?{query}=alice@example.com")).send().await.fails(403, DENIED);
    }
    bob.delete("/1.0/users").send().await.ok(200);
    assert_eq!(bob.get("/1.0/users/info").send().await.status, 401);
}

async fn change(caller: &Caller<'_>, old: &str, new: &str, confirm: &str) -> Reply {
    caller.put("/1.0/users/password").form(&[("old", old), ("new", new), ("confirm", confirm)]).send().await
}

#[actix_web::test]
async fn a_new_password_keeps_the_asking_session_and_ends_the_others() {
    let server = Server::new().await;
    create(&server.admin().await, ALICE, "alice123").await.ok(201);
    let (here, there) = (login(&server, ALICE, "alice123").await, login(&server, ALICE, "alice123").await);
    change(&here, "alice123", "alice456", "alice456").await.ok(200);
    here.get("/1.0/users/info").send().await.ok(200);
    assert_eq!(there.get("/1.0/users/info").send().await.status, 401);
    login(&server, ALICE, "alice456").await;
    let old = server.nobody().post("/1.0/users/alice@example.com/tokens").form(&[("password", "alice123")]).send().await;
    old.fails(401, "Authentication failed, wrong password.");
}

#[actix_web::test]
async fn a_password_is_changed_only_with_the_old_one_and_two_equal_new_ones() {
    let server = Server::new().await;
    create(&server.admin().await, ALICE, "alice123").await.ok(201);
    let alice = login(&server, ALICE, "alice123").await;
    change(&alice, "", "alice456", "alice456").await.fails(400, "Both the old and the new passwords are required.");
    change(&alice, "alice123", "", "").await.fails(400, "Both the old and the new passwords are required.");
    change(&alice, "alice123", "a23456", "b23456").await.fails(400, "New password and password confirmation didn't match.");
    change(&alice, "wrong-one", "alice456", "alice456").await.fails(403, "the given password didn't match the user's current password");
    change(&alice, "alice123", "short", "short").await.fails(400, "password length should be least 6 characters and at most 50 characters");
    login(&server, ALICE, "alice123").await;
}

#[actix_web::test]
async fn passwords_are_nowhere_in_events() {
    let server = Server::new().await;
    create(&server.admin().await, ALICE, "alice123").await.ok(201);
    let alice = login(&server, ALICE, "alice123").await;
    change(&alice, "alice123", "alice456", "alice456").await.ok(200);
    let events = server.ctx.store.backend().dump("events").await.unwrap();
    assert!(events.len() >= 2);
    let text = format!("{events:?}");
    assert!(!text.contains("alice123") && !text.contains("alice456"), "{text}");
}

#[actix_web::test]
async fn a_reset_says_clearly_that_there_is_no_mail_and_not_who_is_there() {
    let server = Server::new().await;
    for email in ["admin@example.com", "ghost@example.com"] {
        let reply = server.nobody().post(&format!("/1.0/users/{email}/password")).send().await;
        reply.fails(400, "Passwords cannot be reset by e-mail: this server has no mail server. Please ask an administrator.");
    }
}

#[actix_web::test]
async fn the_api_key_stays_until_a_new_one_is_asked_for() {
    let server = Server::new().await;
    let alice = server.user_with(ALICE, ContextType::User, ALICE, &["apikey"]).await;
    let first = alice.get("/1.0/users/api-key").send().await.ok(200);
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(alice.get("/1.0/users/api-key").send().await.ok(200).json(), first.json());
    let second = alice.post("/1.0/users/api-key").send().await.ok(200).json();
    assert_ne!(second, first.json());
    assert_eq!(server.with_token(first.json().as_str().unwrap()).get("/users/info").send().await.status, 401);
    server.with_token(second.as_str().unwrap()).get("/users/info").send().await.ok(200);
}

#[actix_web::test]
async fn api_keys_of_others_need_the_permission_on_them() {
    let server = Server::new().await;
    let alice = server.user(ALICE).await;
    alice.get("/1.0/users/api-key").send().await.fails(403, DENIED);
    let bob = server.user_with("bob@example.com", ContextType::User, "carl@example.com", &["apikey"]).await;
    bob.get("/1.0/users/api-key?user=alice@example.com").send().await.fails(403, DENIED);
    bob.post("/1.0/users/api-key?user=alice@example.com").send().await.fails(403, DENIED);
    bob.get("/1.0/users/api-key?user=carl@example.com").send().await.fails(404, "user not found");
    let reader = server.user_with("reader@example.com", ContextType::User, ALICE, &["apikey.read"]).await;
    let key = reader.get("/1.0/users/api-key?user=alice@example.com").send().await.ok(200).json();
    let whose = server.with_token(key.as_str().unwrap()).get("/users/info").send().await.ok(200).json();
    assert_eq!(whose["Email"], ALICE);
    reader.post("/1.0/users/api-key?user=alice@example.com").send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn no_token_of_a_disabled_user_works() {
    let server = Server::new().await;
    let alice = server.user_with(ALICE, ContextType::User, ALICE, &["apikey"]).await;
    let key = alice.get("/1.0/users/api-key").send().await.ok(200).json();
    let who = Filter::eq("email", ALICE);
    server.ctx.store.of::<User>().update(who, Update::set("disabled", true)).await.unwrap();
    assert_eq!(alice.get("/1.0/users/info").send().await.status, 401);
    assert_eq!(server.with_token(key.as_str().unwrap()).get("/1.0/users/info").send().await.status, 401);
}

#[actix_web::test]
async fn quotas_are_read_by_the_user_and_changed_only_by_holders_everywhere() {
    let server = Server::new().await;
    let (admin, alice) = (server.admin().await, server.user(ALICE).await);
    let path = "/1.0/users/alice@example.com/quota";
    assert_eq!(alice.get(path).send().await.ok(200).text, "{\"limit\":-1,\"inuse\":0}\n");
    alice.put(path).form(&[("limit", "100")]).send().await.fails(403, DENIED);
    let foreign = server.user_with("foreign@example.com", ContextType::User, "bob@example.com", &["user"]).await;
    foreign.get(path).send().await.fails(403, DENIED);
    foreign.put(path).form(&[("limit", "100")]).send().await.fails(403, DENIED);
    admin.put(path).form(&[("limit", "3")]).send().await.ok(200);
    assert_eq!(alice.get(path).send().await.json(), json!({"limit": 3, "inuse": 0}));
    admin.put(path).form(&[("limit", "-7")]).send().await.ok(200);
    assert_eq!(alice.get(path).send().await.json()["limit"], -1);
}

#[actix_web::test]
async fn wrong_limits_and_users_are_refused() {
    let server = Server::new().await;
    let admin = server.admin().await;
    server.user(ALICE).await;
    let path = "/1.0/users/alice@example.com/quota";
    admin.put(path).form(&[("limit", "many")]).send().await.fails(400, "Invalid limit");
    admin.put(path).send().await.fails(400, "Invalid limit");
    server.ctx.store.of::<User>().update(Filter::eq("email", ALICE), Update::set("quota.inuse", 4)).await.unwrap();
    admin.put(path).form(&[("limit", "3")]).send().await.fails(403, "New limit is less than the current allocated value");
    admin.put("/1.0/users/ghost@example.com/quota").form(&[("limit", "3")]).send().await.fails(404, "user not found");
    admin.get("/1.0/users/ghost@example.com/quota").send().await.fails(404, "user not found");
}

#[actix_web::test]
async fn a_role_that_is_gone_shows_and_grants_nothing() {
    let server = Server::new().await;
    let user = server.user_with(ALICE, ContextType::Global, "", &["user.create"]).await;
    server.ctx.store.of::<Role>().delete(Filter::id("role-of-alice")).await.unwrap();
    let info = user.get("/1.0/users/info").send().await.ok(200).json();
    assert_eq!((&info["Roles"], &info["Permissions"]), (&json!([]), &json!(null)));
    assert_eq!(create(&user, "eve@example.com", "eve12345").await.status, 401);
}
