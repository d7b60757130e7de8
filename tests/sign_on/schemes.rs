//! Several schemes at once, and the peer token.

use std::sync::Arc;

use impaas::{context::Context, provisioner::absent::Absent};
use serde_json::json;

use super::{
    browser,
    provider::{CALLBACK, Provider},
};
use crate::api::harness::Server;

const MULTI: &str =
    "auth:\n  scheme: multi\n  user-registration: true\n  multi:\n    schemes: [oidc, native, oauth]\n    default-scheme: oauth\n";
const PEER: &str = "97ef27b972cb168a9875a32cba96010e1eb6a6065e9f4cc5928a7cb66d2a6b86";

fn first_login(ctx: &Context) -> (String, String) {
    let login = std::fs::read_to_string(ctx.config.data_dir.join("first-login.txt")).unwrap();
    let (email, password) = login.trim().split_once('\n').unwrap();
    (email.into(), password.into())
}

#[actix_web::test]
async fn passwords_codes_and_tokens_work_side_by_side() {
    let Some(provider) = Provider::start().await else { return };
    let settings = format!("{MULTI}{}{}", provider.oauth(&[]), provider.oidc(&[]));
    let server = Server::with_settings(Arc::new(Absent), &settings).await;
    let all = server.nobody().get("/1.18/auth/schemes").send().await.ok(200).json();
    let told: Vec<_> = all.as_array().unwrap().iter().map(|scheme| (scheme["name"].clone(), scheme["default"].clone())).collect();
    assert_eq!(json!(told), json!([["oidc", null], ["native", null], ["oauth", true]]));
    let one = server.nobody().get("/auth/scheme").send().await.ok(200);
    assert_eq!(one.text, "{\"name\":\"native\",\"data\":{}}\n", "old clients get the first with a login");

    let (email, password) = first_login(&server.ctx);
    let by_password = [("email", email.as_str()), ("password", password.as_str())];
    let admin = server.nobody().post("/1.0/auth/login").form(&by_password).send().await.ok(200).json();
    let admin = server.with_token(admin["token"].as_str().unwrap());
    admin.get("/1.0/users/info").send().await.ok(200);

    let url = all[2]["data"]["authorizeUrl"].as_str().unwrap().replace("__redirect_url__", CALLBACK);
    let code = browser::code(&url, "ann@uni.example").await;
    let ann = server.nobody().post("/1.0/auth/login").form(&[("code", &code), ("redirectUrl", CALLBACK)]).send().await.ok(200).json();
    server.with_token(ann["token"].as_str().unwrap()).get("/1.0/users/info").send().await.ok(200);

    let bob = provider.tokens("cli", "bob@uni.example").await.access;
    server.with_token(&bob).get("/1.0/users/info").send().await.ok(200);

    let made = [("email", "cat@uni.example"), ("password", "a-password")];
    admin.post("/1.0/users").form(&made).send().await.ok(201);
    server.nobody().post("/1.0/auth/login").form(&made).send().await.ok(200);
    admin.post("/1.0/users?email=dan@uni.example").send().await.ok(201);
    let empty = [("email", "dan@uni.example"), ("password", "")];
    server.nobody().post("/1.0/auth/login").form(&empty).send().await.fails(400, "you must provide a password to login");
    let guessed = [("email", "dan@uni.example"), ("password", "anything")];
    server.nobody().post("/1.0/auth/login").form(&guessed).send().await.fails(401, "Authentication failed, wrong password.");
}

#[actix_web::test]
async fn there_is_a_peer_token_only_where_the_settings_have_one() {
    let without = Server::new().await;
    without.with_token(PEER).get("/1.0/apps").send().await.fails(401, "You must provide a valid Authorization header");
    without.with_token("").get("/1.0/apps").send().await.fails(401, "You must provide a valid Authorization header");
    let with = Server::with_settings(Arc::new(Absent), "auth:\n  peer:\n    token: of-the-settings\n").await;
    with.with_token(PEER).get("/1.0/apps").send().await.fails(401, "You must provide a valid Authorization header");
    let peer = with.with_token("of-the-settings");
    peer.get("/1.0/users/info").send().await.fails(500, "no token user");
    peer.get("/1.0/apps/nothing/log?lines=1").send().await.fails(404, "App nothing not found.");
    peer.post("/1.0/teams").form(&[("name", "mine")]).send().await.fails(403, "You don't have permission to do this action");
    let password = [("old", "x"), ("new", "yyyyyyyy"), ("confirm", "yyyyyyyy")];
    peer.put("/1.0/users/password").form(&password).send().await.fails(403, "the given password didn't match the user's current password");
}
