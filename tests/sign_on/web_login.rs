//! `POST /auth/webLogin`: what the ImPaaS manager does.

use std::sync::Arc;

use impaas::{auth::session::Session, provisioner::absent::Absent, store::Filter};
use serde_json::{Value, json};

use super::provider::Provider;
use crate::api::harness::{Reply, Server};

const ANYBODY: &str = "auth:\n  scheme: oauth\n  user-registration: true\n";
const UNKNOWN: &str = "The sign-on provider does not know this token.";

async fn server(settings: &str) -> Server {
    Server::with_settings(Arc::new(Absent), &format!("{ANYBODY}{settings}")).await
}

async fn web_login(server: &Server, token: &str, email: &str) -> Reply {
    server.nobody().post("/auth/webLogin").json(&json!({"token": token, "email": email})).send().await
}

async fn email_of(server: &Server, token: &str) -> Value {
    server.with_token(token).get("/users/info").send().await.ok(200).json()["Email"].clone()
}

#[actix_web::test]
async fn a_graph_token_of_the_managers_works_after_its_owner_is_known() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&provider.entra(&["tenant: tenant-1", "web-clients: [manager]"])).await;
    let ann = provider.tokens("manager", "ann@uni.example staff").await.access;
    server.with_token(&ann).get("/teams").send().await.fails(401, "You must provide a valid Authorization header");
    web_login(&server, &ann, "Ann@Uni.example").await.ok(200);
    web_login(&server, &ann, "ann@uni.example").await.ok(200);
    assert_eq!(email_of(&server, &ann).await, "ann@uni.example");
    let sessions = server.ctx.store.of::<Session>().find(Filter::eq("useremail", "ann@uni.example")).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert!((1..=3600).contains(&(sessions[0].expires / 1_000_000_000)) && !sessions[0].token.contains("eyJ"));
    server.with_token(&ann).delete("/users/tokens").send().await.ok(200);
    server.with_token(&ann).get("/teams").send().await.fails(401, "You must provide a valid Authorization header");
}

#[actix_web::test]
async fn anothers_token_anothers_application_and_anothers_tenant_open_nothing() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&provider.entra(&["tenant: tenant-1", "web-clients: [manager]"])).await;
    let ann = provider.tokens("manager", "ann@uni.example").await;
    let text = "The token belongs to another e-mail.";
    web_login(&server, &ann.access, impaas::first_start::ADMIN).await.fails(403, text);
    web_login(&server, &ann.id, "ann@uni.example").await.fails(403, UNKNOWN);
    web_login(&server, "made-up", "ann@uni.example").await.fails(403, UNKNOWN);
    web_login(&server, &format!("{}x", ann.access), "ann@uni.example").await.fails(403, UNKNOWN);
    let strangers = provider.tokens("stranger", "ann@uni.example").await.access;
    let text = "The token was made for another application (see auth:oauth:web-clients).";
    web_login(&server, &strangers, "ann@uni.example").await.fails(403, text);
    let eve = provider.tokens("manager", "eve@uni.example x tenant-2").await.access;
    web_login(&server, &eve, "eve@uni.example").await.fails(403, "Accounts of another organisation may not sign on here.");
    for token in [&ann.access, &ann.id, &strangers, &eve] {
        server.with_token(token).get("/teams").send().await.fails(401, "You must provide a valid Authorization header");
    }
}

#[actix_web::test]
async fn a_token_that_says_nothing_is_asked_after() {
    let Some(provider) = Provider::start().await else { return };
    let ann = provider.tokens("opaque-manager", "ann@uni.example").await.access;
    let web = "web-clients: opaque-manager";
    let silent = server(&provider.oauth(&[web])).await;
    let text = "Nobody says which application the token was made for (see auth:oauth:introspect-url).";
    web_login(&silent, &ann, "ann@uni.example").await.fails(403, text);
    let asking = server(&provider.oauth(&[web, &format!("introspect-url: {}/token/introspection", provider.url)])).await;
    web_login(&asking, &ann, "ann@uni.example").await.ok(200);
    assert_eq!(email_of(&asking, &ann).await, "ann@uni.example");
    let strangers = provider.tokens("opaque-stranger", "ann@uni.example").await.access;
    let text = "The token was made for another application (see auth:oauth:web-clients).";
    web_login(&asking, &strangers, "ann@uni.example").await.fails(403, text);
}

#[actix_web::test]
async fn under_oidc_the_token_must_be_the_named_users_and_signs_on_by_itself() {
    let Some(provider) = Provider::start().await else { return };
    let settings = format!("auth:\n  scheme: oidc\n  user-registration: true\n{}", provider.oidc(&[]));
    let server = Server::with_settings(Arc::new(Absent), &settings).await;
    let ann = provider.tokens("cli", "ann@uni.example").await;
    web_login(&server, &ann.access, "bob@uni.example").await.fails(403, "The token belongs to another e-mail.");
    web_login(&server, &ann.id, "ann@uni.example").await.fails(403, UNKNOWN);
    web_login(&server, &ann.access, "ann@uni.example").await.ok(200);
    assert_eq!(email_of(&server, &ann.access).await, "ann@uni.example");
    assert_eq!(server.ctx.store.of::<Session>().count(Filter::eq("useremail", "ann@uni.example")).await.unwrap(), 0);
}

#[actix_web::test]
async fn without_a_provider_there_is_no_web_login() {
    let server = Server::new().await;
    web_login(&server, "x", "a@b.co").await.fails(400, "Authentication scheme does not allow this operation.");
    web_login(&server, "", "a@b.co").await.fails(400, "you must provide a token to login");
    web_login(&server, "x", "").await.fails(400, "you must provide a email to login");
}

#[actix_web::test]
async fn the_manager_gives_and_takes_roles_with_its_session() {
    let Some(provider) = Provider::start().await else { return };
    let server = server(&provider.entra(&["web-clients: [manager]"])).await;
    let admin = server.admin().await;
    admin.post("/teams?name=devops_01").send().await.ok(201);
    admin.post("/roles").form(&[("name", "team-member_extra"), ("context", "team")]).send().await.ok(201);
    admin.post("/users?email=bob@uni.example").send().await.ok(201);
    let ann = provider.tokens("manager", "ann@uni.example").await.access;
    web_login(&server, &ann, "ann@uni.example").await.ok(200);
    admin.post("/roles/AllowAll/user").form(&[("email", "ann@uni.example"), ("context", "")]).send().await.ok(200);
    let ann = server.with_token(&ann);
    let wanted = json!({"users": ["ann@uni.example", "bob@uni.example"], "context": "devops_01", "role": "team-member_extra"});
    ann.post("/roles/associate").json(&wanted).send().await.ok(200);
    let members = ann.get("/teams/devops_01/users").send().await.ok(200).json();
    assert_eq!(holders(&members), ["ann@uni.example", "bob@uni.example"]);
    ann.delete("/roles/dissociate").json(&wanted).send().await.ok(200);
    assert!(holders(&ann.get("/teams/devops_01/users").send().await.ok(200).json()).is_empty());
}

/// Who holds the role that is given and taken.
fn holders(members: &Value) -> Vec<&str> {
    let holds = |user: &&Value| user["roles"].as_array().unwrap().contains(&json!("team-member_extra"));
    let mut emails: Vec<_> = members.as_array().unwrap().iter().filter(holds).map(|user| user["email"].as_str().unwrap()).collect();
    emails.sort_unstable();
    emails
}
