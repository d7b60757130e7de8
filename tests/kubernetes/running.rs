//! Apps that run already, as tsuru's server left them.

use serde_json::{Value, json};

use super::World;

/// An image with a shell and little else.
pub fn deployed_image() -> String {
    "127.0.0.1:5000/base/busybox:latest".into()
}

/// A deployment as tsuru's server makes it, as far as reading goes.
pub fn deployment(app: &str, replicas: u32) -> Value {
    let labels = |more: &[(&str, &str)]| {
        let usual = [("is-tsuru", "true"), ("app-name", app), ("app-process", "web"), ("app-version", "1"), ("app-platform", "")];
        let all = usual.iter().chain(more).map(|(key, value)| (format!("tsuru.io/{key}"), json!(value)));
        Value::Object(all.collect())
    };
    let script = "mkdir -p /tmp/www; echo it works > /tmp/www/index.html; echo ready to serve; exec httpd -f -p 8888 -h /tmp/www";
    let probe = json!({"httpGet": {"path": "/", "port": 8888}, "periodSeconds": 1});
    let container = json!({"name": format!("{app}-web"), "image": deployed_image(), "readinessProbe": probe,
        "command": ["/bin/sh", "-lc", script]});
    let pods = labels(&[("is-routable", "true"), ("is-isolated-run", "false"), ("is-build", "false")]);
    let selector = json!({"tsuru.io/app-name": app, "tsuru.io/app-process": "web"});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("{app}-web"), "labels": labels(&[])}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": selector},
        "template": {"metadata": {"labels": pods}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}}})
}

fn service(app: &str) -> Value {
    let labels = json!({"tsuru.io/is-tsuru": "true", "tsuru.io/app-name": app, "tsuru.io/app-process": "web"});
    let selector = json!({"tsuru.io/app-name": app, "tsuru.io/app-process": "web"});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("{app}-web"), "labels": labels},
        "spec": {"selector": selector, "ports": [{"port": 80, "targetPort": 8888, "protocol": "TCP"}]}})
}

/// How many units are up.
pub fn started(info: &Value) -> usize {
    info["units"].as_array().map_or(0, |units| units.iter().filter(|unit| unit["Status"] == "started" && unit["Ready"] == true).count())
}

/// Gives the app a version and waits until so many units of it serve.
pub async fn serve(world: &World, replicas: u32) {
    world.deployed(&deployed_image()).await;
    world.apply(&[deployment(&world.name, replicas), service(&world.name)]);
    world.until("units run", |info| started(info) == replicas as usize).await;
}

/// An app with a version that runs.
pub async fn serving(replicas: u32) -> Option<World> {
    let world = World::with_app().await?;
    serve(&world, replicas).await;
    Some(world)
}

#[actix_web::test]
async fn units_addresses_and_processes_of_an_app_are_seen() {
    let Some(world) = serving(2).await else { return };
    let info = world.until("its address is seen", |info| info["internalAddresses"].is_array()).await;
    let unit = &info["units"][0];
    assert_eq!((&unit["ProcessName"], &unit["Version"], &unit["Routable"]), (&json!("web"), &json!(1), &json!(true)));
    assert!(unit["InternalIP"].as_str().unwrap().starts_with("10.244.0.") && unit["IP"] == "10.244.0.1", "{unit}");
    let domain = format!("{0}-web.{0}.svc.cluster.local", world.name);
    let address = json!([{"Domain": domain, "Protocol": "TCP", "Port": 80, "TargetPort": 8888, "Version": "", "Process": "web"}]);
    assert_eq!((&info["internalAddresses"], &info["processes"][0]["name"]), (&address, &json!("web")));
    assert_eq!((&info["provisioner"], &info["cluster"], &info["quota"]["inuse"]), (&json!("kubernetes"), &json!("real"), &json!(2)));
}

#[actix_web::test]
async fn a_crash_is_told_with_its_exit_code() {
    let Some(world) = World::with_app().await else { return };
    let mut crashing = deployment(&world.name, 1);
    crashing["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["/bin/sh", "-c", "exit 3"]);
    world.apply(&[crashing]);
    world.until("the exit code is told", |info| info["units"][0]["StatusReason"] == "exitCode: 3").await;
}

#[actix_web::test]
async fn logs_are_those_of_the_units() {
    let Some(world) = serving(1).await else { return };
    let admin = world.server.admin().await;
    let lines = admin.get(&format!("/1.0/apps/{}/log?lines=10", world.name)).send().await.ok(200).json();
    let line = lines.as_array().unwrap().iter().find(|line| line["Message"] == "ready to serve").unwrap_or_else(|| panic!("{lines}"));
    assert_eq!(line["Source"], "web");
    assert!(line["Unit"].as_str().unwrap().starts_with(&format!("{}-web-", world.name)), "{line}");
}

#[actix_web::test]
async fn a_killed_unit_is_replaced() {
    let Some(world) = serving(1).await else { return };
    let admin = world.server.admin().await;
    let before = world.info(&admin).await["units"][0]["ID"].as_str().unwrap().to_owned();
    admin.delete(&format!("/1.12/apps/{}/units/{before}?force=true", world.name)).send().await.ok(200);
    world.until("another unit runs", |info| started(info) == 1 && info["units"][0]["ID"] != before.as_str()).await;
}
