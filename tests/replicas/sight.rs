//! What is done at one server is so at the others within a second or two.

use reqwest::Method;
use serde_json::json;

use super::Replicas;
use crate::server::{PATIENCE, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_disabled_or_removed_at_one_server_is_nobody_at_another() {
    let Some(replicas) = Replicas::start(2, "").await else { return };
    let [one, other] = &replicas.all[..] else { panic!("there are two") };
    for email in ["gone@example.com", "idle@example.com"] {
        one.form(Method::POST, "/1.0/users", &[("email", email), ("password", "secret-enough")]).await;
        let token = other.session(email, "secret-enough").await;
        let status = async || {
            let asked = other.http.get(other.url("/1.0/users/info")).bearer_auth(&token).send().await.unwrap();
            asked.status().as_u16()
        };
        assert_eq!(status().await, 200);
        if email.starts_with("gone") {
            one.form(Method::DELETE, "/1.0/users", &[("user", email)]).await;
        } else {
            replicas.disable(email).await;
        }
        eventually("the other server knows", PATIENCE, async || status().await == 401).await;
    }
    replicas.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_and_pools_that_are_made_at_one_server_are_there_at_another() {
    let Some(replicas) = Replicas::start(2, "").await else { return };
    let [one, other] = &replicas.all[..] else { panic!("there are two") };
    let names = async |path: &str, name: &str| {
        let all = other.json(path).await;
        all.as_array().unwrap().iter().any(|each| each["name"] == name || each["Name"] == name)
    };
    one.form(Method::POST, "/1.0/plans", &[("name", "fresh"), ("memory", "67108864"), ("cpumilli", "100")]).await;
    eventually("the plan is there", PATIENCE, async || names("/1.0/plans", "fresh").await).await;
    let pool = json!({"name": "fresh-pool", "provisioner": "local", "public": true});
    assert_eq!(one.send(one.request(Method::POST, "/1.0/pools").json(&pool)).await.0, 201);
    eventually("the pool is there", PATIENCE, async || names("/1.0/pools", "fresh-pool").await).await;
    let app = [("name", "there"), ("platform", "static"), ("teamOwner", "demo"), ("pool", "fresh-pool"), ("plan", "fresh")];
    other.form(Method::POST, "/1.0/apps", &app).await;
    let (shown, plan) = (one.json("/1.0/apps/there").await, "fresh");
    assert_eq!((&shown["pool"], &shown["plan"]["name"]), (&json!("fresh-pool"), &json!(plan)), "{shown}");
    replicas.remove().await;
}
