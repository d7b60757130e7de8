//! Scheme `oidc`: the provider's own tokens.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use impaas::{permission::ContextType, provisioner::absent::Absent, store::Filter, team::Team, user::User};
use serde_json::{Value, json};

use super::provider::Provider;
use crate::api::harness::Server;

const ANYBODY: &str = "auth:\n  scheme: oidc\n  user-registration: true\n";
const NOBODY: &str = "You must provide a valid Authorization header";

async fn server(settings: &str) -> Server {
    Server::with_settings(Arc::new(Absent), settings).await
}

async fn status(server: &Server, token: &str) -> u16 {
    server.with_token(token).get("/1.0/users/info").send().await.status
}

#[actix_web::test]
async fn a_providers_token_signs_on_by_itself_with_groups_and_a_team_of_ones_own() {
    let Some(provider) = Provider::start().await else { return };
    let settings = provider.oidc(&["groups-in-claims: true", "auto-create-personal-team: true", "allowed-domains: [uni.example]"]);
    let server = server(&format!("{ANYBODY}{settings}")).await;
    let schemes = server.nobody().get("/1.18/auth/schemes").send().await.ok(200).json();
    let (auth, token) = (format!("{}/auth", provider.url), format!("{}/token", provider.url));
    let data = json!({"clientID": "cli", "scopes": ["openid", "email"], "authURL": auth, "tokenURL": token, "port": "38080"});
    assert_eq!(schemes, json!([{"name": "oidc", "default": true, "data": data}]));
    server.user_with("x@uni.example", ContextType::Global, "", &["pool.create"]).await;
    server.admin().await.post("/1.9/roles/role-of-x/group").form(&[("group_name", "staff")]).send().await.ok(200);
    let ann = provider.tokens("cli", "ann@uni.example staff").await.access;
    let seen = server.with_token(&ann).get("/1.0/users/info").send().await.ok(200).json();
    assert_eq!(seen["Groups"], json!(["staff"]));
    let by_group = |role: &Value| role["Group"] == "staff" && role["Name"] == "role-of-x";
    assert!(seen["Roles"].as_array().unwrap().iter().any(by_group), "{seen}");
    assert!(server.ctx.store.of::<Team>().get(Filter::id("ann")).await.unwrap().is_some_and(|team| team.tags == ["personal"]));
    let namesake = provider.tokens("cli", "ann@uni.example staff").await.access;
    assert_eq!(status(&server, &namesake).await, 200);
    assert_eq!(server.ctx.store.of::<Team>().count(Filter::eq("creatinguser", "ann@uni.example")).await.unwrap(), 1);
    let eve = provider.tokens("cli", "eve@home.example staff").await.access;
    server.with_token(&eve).get("/1.0/users/info").send().await.fails(401, NOBODY);
    server.with_token(&ann).delete("/1.0/users/tokens").send().await.ok(501);
}

#[actix_web::test]
async fn tokens_of_others_for_others_and_changed_ones_are_refused() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&format!("{ANYBODY}{}", provider.oidc(&["tenant: tenant-1"]))).await;
    let good = provider.tokens("cli", "ann@uni.example staff").await;
    assert_eq!(status(&server, &good.access).await, 200);
    let (signed, signature) = good.access.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let clear = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let of_admin = String::from_utf8(clear).unwrap().replace("ann@uni.example", first_admin());
    let changed = URL_SAFE_NO_PAD.encode(of_admin);
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    for (what, token) in [
        ("an ID token, which is for the client", good.id.clone()),
        ("a token for another server", provider.tokens("other-cli", "ann@uni.example staff").await.access),
        ("a token of another tenant", provider.tokens("cli", "eve@uni.example x tenant-2").await.access),
        ("an unverified e-mail", provider.tokens("cli", "eve@uni.example x tenant-1 unverified").await.access),
        ("another's claims", format!("{header}.{changed}.{signature}")),
        ("no signature", format!("{none}.{changed}.")),
        ("an empty signature", format!("{header}.{changed}.")),
    ] {
        assert_eq!(status(&server, &token).await, 401, "{what}");
    }
    assert_eq!(server.ctx.store.of::<User>().count(Filter::regex("email", "^eve")).await.unwrap(), 0);
    let elsewhere = Server::with_settings(Arc::new(Absent), &format!("{ANYBODY}{}", provider.oidc(&["valid-claims: {hd: uni}"]))).await;
    assert_eq!(status(&elsewhere, &good.access).await, 401, "without a claim of the settings");
}

fn first_admin() -> &'static str {
    impaas::first_start::ADMIN
}

#[actix_web::test]
async fn keys_are_kept_while_the_provider_is_away_and_changed_with_it() {
    let Some(mut provider) = Provider::start().await else { return };
    let server = server(&format!("{ANYBODY}{}", provider.oidc(&[]))).await;
    let (old, other) = (provider.tokens("cli", "ann@uni.example").await.access, provider.tokens("cli", "bob@uni.example").await.access);
    assert_eq!(status(&server, &old).await, 200);
    provider.stop();
    assert_eq!(status(&server, &other).await, 200, "the key is known");
    provider.start_again().await;
    let new = provider.tokens("cli", "ann@uni.example").await.access;
    let deadline = Instant::now() + Duration::from_secs(30);
    while status(&server, &new).await != 200 {
        assert!(Instant::now() < deadline, "the new key is not taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Who a token belongs to is remembered for a second.
    let deadline = Instant::now() + Duration::from_secs(30);
    while status(&server, &old).await == 200 {
        assert!(Instant::now() < deadline, "the old key is still taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

const AWAY: &str = "  oidc: {client-id: c, issuer: 'http://127.0.0.1:9', audience: x}\n";

#[actix_web::test]
async fn what_only_the_provider_does_is_501_here() {
    let server = server(&format!("{ANYBODY}{AWAY}")).await;
    let password = [("email", "a@b.co"), ("password", "x")];
    for path in ["/1.0/auth/login", "/1.0/users/a@b.co/tokens"] {
        server.nobody().post(path).form(&password).send().await.fails(501, "");
    }
    server.admin().await.post("/1.0/users?email=new@uni.example").send().await.fails(501, "");
    assert_eq!(server.ctx.store.of::<User>().count(Filter::eq("email", "new@uni.example")).await.unwrap(), 0);
}

#[actix_web::test]
async fn a_provider_that_was_never_there_is_a_503_and_no_401() {
    let server = server(&format!("{ANYBODY}{AWAY}")).await;
    let token = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#));
    let text = "The sign-on provider does not answer, please try again.";
    server.with_token(&token).get("/1.0/users/info").send().await.fails(503, text);
    server.admin().await.get("/1.0/users/info").send().await.ok(200);
}
