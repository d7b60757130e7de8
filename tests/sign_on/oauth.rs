//! Scheme `oauth`: a code for a session.

use std::sync::Arc;

use impaas::{
    auth::session::Session,
    permission::{ContextType, Role, role::RoleInstance},
    provisioner::absent::Absent,
    store::{Filter, Update},
    user::User,
};
use serde_json::Value;

use super::{
    browser,
    provider::{CALLBACK, Provider},
};
use crate::api::harness::{Reply, Server};

const ANYBODY: &str = "auth:\n  scheme: oauth\n  user-registration: true\n";
const KNOWN: &str = "auth:\n  scheme: oauth\n";

async fn server(settings: &str) -> Server {
    Server::with_settings(Arc::new(Absent), settings).await
}

/// What the CLI does: asks for the scheme, sends a person there, and brings the code back.
async fn sign_on(server: &Server, login: &str) -> Reply {
    let code = code(server, login).await;
    bring(server, &code, CALLBACK).await
}

async fn code(server: &Server, login: &str) -> String {
    let schemes = server.nobody().get("/1.18/auth/schemes").send().await.ok(200).json();
    let url = schemes[0]["data"]["authorizeUrl"].as_str().unwrap().replace("__redirect_url__", CALLBACK);
    browser::code(&url, login).await
}

async fn bring(server: &Server, code: &str, redirect: &str) -> Reply {
    server.nobody().post("/1.0/auth/login").form(&[("code", code), ("redirectUrl", redirect)]).send().await
}

async fn whoami(server: &Server, login: &Reply) -> Value {
    let token = login.json()["token"].as_str().unwrap().to_owned();
    server.with_token(&token).get("/1.0/users/info").send().await.ok(200).json()
}

/// The roles that somebody has by their groups.
fn of_groups(seen: &Value) -> Vec<(&str, &str)> {
    let roles = seen["Roles"].as_array().unwrap().iter();
    roles.filter_map(|role| Some((role["Group"].as_str()?, role["Name"].as_str()?))).collect()
}

#[actix_web::test]
async fn a_code_opens_a_session_once_and_only_with_the_address_it_was_sent_to() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&format!("{ANYBODY}{}", provider.oauth(&[]))).await;
    let first = code(&server, "ann@uni.example staff,labs").await;
    bring(&server, &first, "http://localhost:1").await.fails(403, "Couldn't convert code to access token.");
    let second = code(&server, "ann@uni.example staff,labs").await;
    let signed_on = bring(&server, &second, CALLBACK).await.ok(200);
    bring(&server, &second, CALLBACK).await.fails(403, "Couldn't convert code to access token.");
    let ann = whoami(&server, &signed_on).await;
    assert_eq!((&ann["Email"], &ann["Groups"]), (&"ann@uni.example".into(), &serde_json::json!(["staff", "labs"])));
    let session = server.ctx.store.of::<Session>().get(Filter::eq("useremail", "ann@uni.example")).await.unwrap().unwrap();
    assert!((1..=3600).contains(&(session.expires / 1_000_000_000)), "no longer than the provider's token: {}", session.expires);
    let token = signed_on.json()["token"].as_str().unwrap().to_owned();
    server.with_token(&token).delete("/1.0/users/tokens").send().await.ok(200);
    server.with_token(&token).get("/1.0/users/info").send().await.fails(401, "You must provide a valid Authorization header");
}

#[actix_web::test]
async fn only_the_institutions_accounts_get_in() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&format!("{ANYBODY}{}", provider.oauth(&["allowed-domains: [uni.example]", "tenant: tenant-1"]))).await;
    for (login, text) in [
        ("eve@home.example", "Accounts of home.example may not sign on here."),
        ("eve@uni.example x tenant-1 unverified", "The provider has not verified this e-mail."),
        ("eve@uni.example x tenant-2", "Accounts of another organisation may not sign on here."),
    ] {
        sign_on(&server, login).await.fails(403, text);
    }
    assert_eq!(server.ctx.store.of::<User>().count(Filter::regex("email", "^eve")).await.unwrap(), 0);
    sign_on(&server, "ann@uni.example").await.ok(200);
}

#[actix_web::test]
async fn entras_graph_names_people_by_mail_or_principal_name() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&format!("{ANYBODY}{}", provider.entra(&["tenant: tenant-1"]))).await;
    let ann = sign_on(&server, "Ann.Smith@uni.example").await.ok(200);
    assert_eq!(whoami(&server, &ann).await["Email"], "ann.smith@uni.example");
    sign_on(&server, "guest-bob@home.example").await.fails(403, "Couldn't parse user email.");
    sign_on(&server, "eve@uni.example x tenant-2").await.fails(403, "Accounts of another organisation may not sign on here.");
}

#[actix_web::test]
async fn without_registration_known_and_enabled_users_get_in_and_keep_the_providers_groups() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&format!("{KNOWN}{}", provider.oauth(&[]))).await;
    sign_on(&server, "ann@uni.example").await.fails(404, "user not found");
    let admin = server.admin().await;
    admin.post("/1.0/users?email=ann@uni.example").send().await.ok(201);
    admin.post("/1.0/users?email=ann@uni.example").send().await.fails(500, "this email is already registered");
    server.user_with("x@uni.example", ContextType::Global, "", &["pool.create"]).await;
    admin.post("/1.9/roles/role-of-x/group").form(&[("group_name", "staff")]).send().await.ok(200);
    let ann = sign_on(&server, "ann@uni.example staff").await.ok(200);
    let seen = whoami(&server, &ann).await;
    assert_eq!(of_groups(&seen), [("staff", "role-of-x")]);
    let ann = sign_on(&server, "ann@uni.example").await.ok(200);
    assert_eq!(of_groups(&whoami(&server, &ann).await), []);
    let disabled = Update::set("disabled", true);
    server.ctx.store.of::<User>().update(Filter::eq("email", "ann@uni.example"), disabled).await.unwrap();
    sign_on(&server, "ann@uni.example staff").await.fails(401, "Disabled user");
}

#[actix_web::test]
async fn what_is_missing_is_asked_for_and_passwords_are_not_managed() {
    let server = server(&format!("{KNOWN}{}", dead())).await;
    let login = |form: &'static [(&'static str, &'static str)]| server.nobody().post("/1.0/auth/login").form(form).send();
    login(&[("redirectUrl", CALLBACK)]).await.fails(400, "You must provide code to login");
    login(&[("code", "x")]).await.fails(400, "You must provide the used redirect url to login");
    login(&[("email", "admin@example.com"), ("password", "x")]).await.fails(400, "You must provide code to login");
    let text = "Authentication scheme does not allow this operation.";
    let change = [("old", "a"), ("new", "b"), ("confirm", "b")];
    server.admin().await.put("/1.0/users/password").form(&change).send().await.fails(400, text);
    server.nobody().post("/1.0/users/admin@example.com/password").send().await.fails(400, text);
}

#[actix_web::test]
async fn a_user_of_the_provider_is_made_without_a_password_and_once() {
    let server = server(&format!("{KNOWN}{}", dead())).await;
    let admin = server.admin().await;
    admin.post("/1.0/users?email=ann@uni.example").send().await.ok(201);
    admin.post("/1.0/users?email=ann@uni.example").send().await.fails(500, "this email is already registered");
    assert!(User::load(&server.ctx.store, "ann@uni.example").await.unwrap().password.is_empty());
}

#[actix_web::test]
async fn a_provider_that_is_away_is_a_503() {
    let server = server(&format!("{KNOWN}{}", dead())).await;
    bring(&server, "x", CALLBACK).await.fails(503, "The sign-on provider does not answer, please try again.");
}

#[actix_web::test]
async fn codes_are_guessed_no_faster_than_passwords() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&format!("{KNOWN}{}", provider.oauth(&[]))).await;
    for _ in 0..100 {
        bring(&server, "made-up", CALLBACK).await.fails(403, "Couldn't convert code to access token.");
    }
    bring(&server, "made-up", CALLBACK).await.fails(429, "Too many failed logins, please try again in a few minutes.");
}

#[actix_web::test]
async fn roles_of_new_users_come_with_the_first_sign_on() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&format!("{ANYBODY}{}", provider.oauth(&[]))).await;
    let event = Update::set("events", ["user-create"]);
    let role = server.ctx.store.of::<Role>().find(Filter::eq("contexttype", "global")).await.unwrap();
    let name = role.iter().find(|role| role.name != "AllowAll").unwrap().name.clone();
    server.ctx.store.of::<Role>().update(Filter::id(&name), event).await.unwrap();
    sign_on(&server, "ann@uni.example").await.ok(200);
    let ann = User::load(&server.ctx.store, "ann@uni.example").await.unwrap();
    assert!(ann.roles.contains(&RoleInstance { name, context_value: String::new() }), "{:?}", ann.roles);
    assert!(ann.password.is_empty());
}

/// A provider that nobody runs.
fn dead() -> String {
    let port = crate::server::free_port();
    format!(
        "  oauth:\n    client-id: c\n    client-secret: s\n    scope: openid\n    auth-url: http://127.0.0.1:{port}/auth\n    \
         token-url: http://127.0.0.1:{port}/token\n    info-url: http://127.0.0.1:{port}/me\n"
    )
}
