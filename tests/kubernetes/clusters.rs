//! How clusters are entered, and what happens when one is away.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::World;

fn is_well(info: &Value) -> bool {
    let error = info["error"].as_str().unwrap_or_default();
    (error.is_empty() || error.starts_with("unable to get units metrics: ")) && info["cluster"] == "real"
}

/// The pods of the app are seen, so the cluster let us in.
async fn is_let_in(world: &World) {
    world.apply(&[super::running::deployment(&world.name, 1)]);
    world.until("a unit is seen", |info| is_well(info) && info["units"].as_array().is_some_and(|units| units.len() == 1)).await;
}

#[actix_web::test]
async fn a_token_lets_us_in() {
    let Some(world) = World::with_app().await else { return };
    is_let_in(&world).await;
}

#[actix_web::test]
async fn a_client_certificate_lets_us_in() {
    let Some(world) = World::new().await else { return };
    let user = world.real.user();
    let cluster = json!({"addresses": [world.real.server()], "cacert": world.real.ca(),
        "clientcert": user["client-certificate-data"], "clientkey": user["client-key-data"], "custom_data": {"namespace": world.name}});
    world.enter("real", cluster).await;
    world.make_app().await;
    is_let_in(&world).await;
}

#[actix_web::test]
async fn a_kubeconfig_lets_us_in() {
    let Some(world) = World::new().await else { return };
    let config = json!({"cluster": world.real.cluster(), "user": world.real.user()});
    world.enter("real", json!({"kubeConfig": config, "custom_data": {"namespace": world.name}})).await;
    world.make_app().await;
    is_let_in(&world).await;
}

#[actix_web::test]
async fn what_a_cluster_refuses_is_told_until_the_cluster_is_put_right() {
    let Some(world) = World::new().await else { return };
    let mut wrong = world.by_token();
    wrong["custom_data"]["token"] = "nobody's".into();
    world.enter("real", wrong.clone()).await;
    world.make_app().await;
    let info = world.until("the refusal is told", |info| info["error"].as_str().is_some_and(|text| text.starts_with("cluster"))).await;
    assert!(info["error"].as_str().unwrap().starts_with("cluster \"real\""), "{}", info["error"]);
    let admin = world.server.admin().await;
    let mut right = world.by_token();
    (right["name"], right["provisioner"], right["pools"]) = ("real".into(), "kubernetes".into(), json!(["kube"]));
    admin.post("/1.4/provisioner/clusters/real").json(&right).send().await.ok(200);
    is_let_in(&world).await;
}

#[actix_web::test]
async fn a_cluster_that_is_away_is_the_trouble_of_its_own_apps_only() {
    let Some(world) = World::with_app().await else { return };
    let admin = world.server.admin().await;
    admin.post("/1.0/pools").json(&json!({"name": "away", "provisioner": "kubernetes", "public": true})).send().await.ok(201);
    let cluster = json!({"name": "gone", "provisioner": "kubernetes", "addresses": ["https://10.244.0.250:6443"], "pools": ["away"]});
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
    admin.post("/1.0/apps").json(&json!({"name": "far", "teamOwner": "demo", "pool": "away"})).send().await.ok(201);
    is_let_in(&world).await;
    let begun = Instant::now();
    admin.get("/1.0/apps?name=.*").send().await.ok(200);
    admin.get("/1.0/apps/far").send().await.ok(200);
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits for it: {:?}", begun.elapsed());
    let restarted = admin.post("/1.0/apps/far/restart").form(&[]).send().await;
    assert!(restarted.status == 503 || restarted.text.contains("cluster \\\"gone\\\" does not answer"), "{restarted:?}");
}
