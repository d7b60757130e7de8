//! What units use, and processes that scale by themselves with it, by the clock, or by what Prometheus counts.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    World,
    proxy::{Proxy, Weather},
    rollout::{Site, web},
    running,
};
use crate::server::eventually;

/// Two programs look only every 15 seconds: what measures, and what scales by it.
const MEASURED: Duration = Duration::from_secs(300);

fn cpu(min: u32, max: u32) -> Value {
    json!({"process": "web", "minUnits": min, "maxUnits": max, "averageCPU": "50%", "behavior": {"scaleDown": {}}})
}

fn path(world: &World) -> String {
    format!("/1.9/apps/{}/units/autoscale", world.name)
}

fn horizontal(world: &World) -> Value {
    let text = world.real.kubectl(&["get", "hpa", "-n", &world.name, "-o", "json"]);
    serde_json::from_str::<Value>(&text).unwrap()["items"].clone()
}

#[actix_web::test]
async fn the_cluster_keeps_what_was_asked_and_units_are_not_changed_by_hand() {
    let Some(world) = running::serving(1).await else { return };
    let (admin, path) = (world.server.admin().await, path(&world));
    assert_eq!(admin.get(&path).send().await.ok(200).text, "null\n");
    admin.post(&path).json(&cpu(1, 3)).send().await.ok(200);
    let object = &horizontal(&world)[0];
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": format!("{}-web", world.name)});
    assert_eq!((&object["spec"]["scaleTargetRef"], &object["spec"]["maxReplicas"]), (&target, &json!(3)));
    assert_eq!(object["metadata"]["labels"]["tsuru.io/app-version"], "1");
    let shown = admin.get(&path).send().await.ok(200).json();
    let down = json!({"scaleDown": {"stabilizationWindow": 300, "percentagePolicyValue": 10, "unitsPolicyValue": 3}});
    // The plan has no limit of CPU: it is thousandths of a core.
    let expected = json!([{"process": "web", "minUnits": 1, "maxUnits": 3, "averageCPU": "500m", "version": 1, "behavior": down}]);
    assert_eq!(shown, expected);
    world.until("app info shows it", |info| info["autoscale"] == expected).await;
    let units = format!("/1.0/apps/{}/units", world.name);
    let by_hand = admin.put(&units).form(&[("units", "1"), ("process", "web")]).send().await;
    let refused = "<said>cannot add units to an app with autoscaler configured, please update autoscale settings";
    by_hand.fails_like(500, refused);
    admin.delete(&format!("{units}?units=1&process=web")).send().await.fails_like(500, refused);
    admin.delete(&format!("{path}?process=web")).send().await.ok(200);
    assert_eq!((horizontal(&world), admin.get(&path).send().await.ok(200).text.as_str()), (json!([]), "null\n"));
}

#[actix_web::test]
async fn a_swap_points_it_at_the_deployment_of_another_version() {
    let Some(world) = running::serving(1).await else { return };
    let admin = world.server.admin().await;
    let mut second = running::deployment(&world.name, 1);
    second["metadata"]["name"] = format!("{}-web-v2", world.name).into();
    let labels = json!({"tsuru.io/app-version": "2", "tsuru.io/is-isolated-run-version": "false", "tsuru.io/is-isolated-run": null,
        "tsuru.io/is-routable": null});
    let pods = second["spec"]["template"]["metadata"]["labels"].as_object_mut().unwrap();
    pods.extend(labels.as_object().unwrap().clone());
    pods.retain(|_, value| !value.is_null());
    second["spec"]["selector"]["matchLabels"]["tsuru.io/app-version"] = "2".into();
    world.apply(&[second]);
    let swap = async |version: &str| {
        let path = format!("/1.29/apps/{}/units/autoscale/swap", world.name);
        admin.post(&path).json(&json!({"version": version})).send().await
    };
    let none = "Cannot swap the autoscale, make sure the app has an autoscale configured";
    swap("2").await.fails_like(500, &format!("<said>{none}"));
    admin.post(&path(&world)).json(&cpu(1, 3)).send().await.ok(200);
    assert_eq!(horizontal(&world)[0]["spec"]["scaleTargetRef"]["name"], format!("{}-web", world.name));
    let gone = "could not swap the autoscale, make sure the version provided is currently deployed";
    swap("7").await.fails_like(500, &format!("<said>{gone}"));
    swap("2").await.ok(200);
    let swapped = &horizontal(&world)[0];
    assert_eq!(swapped["spec"]["scaleTargetRef"]["name"], format!("{}-web-v2", world.name));
    assert_eq!(admin.get(&path(&world)).send().await.ok(200).json()[0]["version"], 2);
}

/// One that has a unit which is as busy as it may be.
fn busy(app: &str) -> Value {
    let mut deployment = running::deployment(app, 1);
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    container["command"] =
        json!(["/bin/sh", "-c", "mkdir /tmp/www; echo busy > /tmp/www/index.html; httpd -p 8888 -h /tmp/www; yes > /dev/null"]);
    container["resources"] = json!({"requests": {"cpu": "10m"}, "limits": {"cpu": "40m"}});
    deployment
}

/// Thousandths of a core that a unit uses, and its memory in bytes.
fn used(unit: &Value) -> Option<(f64, f64)> {
    let number = |what: &str, end: &str| unit[what].as_str()?.strip_suffix(end)?.parse::<f64>().ok();
    Some((number("CPU", "n")? / 1e6, number("Memory", "Ki")? * 1024.0))
}

#[actix_web::test]
async fn what_a_busy_unit_uses_is_shown_and_gets_it_company() {
    let Some(world) = World::new().await else { return };
    let admin = world.server.admin().await;
    world.enter("real", world.by_token()).await;
    // With a limit of CPU, autoscale is by percents of what a unit asks for.
    admin.post("/1.0/plans").json(&json!({"name": "busy", "memory": 0, "cpumilli": 40})).send().await.ok(201);
    let app = json!({"name": world.name, "teamOwner": "demo", "pool": "kube", "plan": "busy"});
    admin.post("/1.0/apps").json(&app).send().await.ok(201);
    world.deployed(&running::deployed_image()).await;
    world.apply(&[busy(&world.name)]);
    world.until("it runs", |info| running::started(info) == 1).await;
    admin.post(&path(&world)).json(&cpu(1, 2)).send().await.ok(200);
    assert_eq!(horizontal(&world)[0]["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
    let unit = world.info(&admin).await["units"][0]["ID"].clone();
    let measured = async || {
        let info = world.info(&admin).await;
        let all = info["unitsMetrics"].as_array().cloned().unwrap_or_default();
        all.iter().any(|measured| measured["ID"] == unit && used(measured).is_some_and(|(milli, memory)| milli > 1.0 && memory > 0.0))
    };
    eventually("what it uses is shown", MEASURED, measured).await;
    eventually("there are two", MEASURED, async || running::started(&world.info(&admin).await) == 2).await;
}

/// An app behind a proxy that does this to requests for such paths.
async fn served_without(part: &'static str, weather: Weather) -> Option<(World, Proxy)> {
    let mut world = World::new().await?;
    let proxy = Proxy::start(&world.real).await;
    proxy.set_at(part, weather);
    world.address = proxy.url();
    world.enter("real", world.by_token()).await;
    world.make_app().await;
    running::serve(&world, 1).await;
    Some((world, proxy))
}

#[actix_web::test]
async fn a_cluster_that_measures_nothing_says_so_in_app_info() {
    let Some((world, _proxy)) = served_without("/apis/metrics.k8s.io/", Weather::Refused(404)).await else { return };
    let why = "unable to get units metrics: the server could not find the requested resource (get pods.metrics.k8s.io)";
    let info = world.until("it is said", |info| info["error"] == why).await;
    assert_eq!((running::started(&info), &info["unitsMetrics"]), (1, &Value::Null));
}

#[actix_web::test]
async fn app_info_waits_for_no_measuring() {
    let Some((world, proxy)) = served_without("/apis/metrics.k8s.io/", Weather::Hangs).await else { return };
    let admin = world.server.admin().await;
    proxy.take_asked();
    for _ in 0..20 {
        assert_eq!(running::started(&world.info(&admin).await), 1);
    }
    let asked = proxy.take_asked().iter().filter(|asked| asked.contains("metrics.k8s.io")).count();
    assert!(asked < 20, "asked at each look");
}

fn by_clock_and_queue() -> Value {
    let schedules = json!([{"name": "day", "minReplicas": 2, "start": "0 8 * * *", "end": "0 20 * * *", "timezone": "Europe/Berlin"}]);
    let prometheus = json!([{"name": "queue", "query": "sum(waiting)", "threshold": 10.0, "prometheusAddress": "http://prometheus:9090"}]);
    let mut scaling = cpu(1, 3);
    scaling["schedules"] = schedules;
    scaling["prometheus"] = prometheus;
    scaling
}

#[actix_web::test]
async fn schedules_and_prometheus_are_an_object_of_keda() {
    let Some(world) = running::serving(1).await else { return };
    let (admin, path) = (world.server.admin().await, path(&world));
    admin.post(&path).json(&cpu(1, 3)).send().await.ok(200);
    admin.post(&path).json(&by_clock_and_queue()).send().await.ok(200);
    assert_eq!(horizontal(&world), json!([]), "two would scale it");
    let objects =
        || serde_json::from_str::<Value>(&world.real.kubectl(&["get", "scaledobjects", "-n", &world.name, "-o", "json"])).unwrap();
    let spec = &objects()["items"][0]["spec"];
    assert_eq!((&spec["scaleTargetRef"]["name"], &spec["maxReplicaCount"]), (&json!(format!("{}-web", world.name)), &json!(3)));
    let kinds: Vec<&Value> = spec["triggers"].as_array().unwrap().iter().map(|trigger| &trigger["type"]).collect();
    assert_eq!(kinds, ["cpu", "cron", "prometheus"]);
    let shown = admin.get(&path).send().await.ok(200).json();
    assert_eq!((&shown[0]["averageCPU"], &shown[0]["schedules"]), (&json!("500m"), &by_clock_and_queue()["schedules"]));
    assert_eq!(shown[0]["prometheus"][0]["query"], "sum(waiting)");
    world.until("app info shows it", |info| info["autoscale"] == shown).await;
    admin.post(&path).json(&cpu(1, 3)).send().await.ok(200);
    assert_eq!((objects()["items"].clone(), horizontal(&world).as_array().unwrap().len()), (json!([]), 1), "back to plain");
    admin.post(&path).json(&by_clock_and_queue()).send().await.ok(200);
    admin.delete(&format!("{path}?process=web")).send().await.ok(200);
    assert_eq!((&objects()["items"], &horizontal(&world)), (&json!([]), &json!([])));
}

#[actix_web::test]
async fn a_cluster_without_keda_is_told_so() {
    let Some((world, _proxy)) = served_without("/apis/keda.sh/", Weather::Refused(404)).await else { return };
    let (admin, path) = (world.server.admin().await, path(&world));
    let absent =
        "<said>cannot configure schedule/prometheus autoscale: KEDA is not installed in the cluster (missing CRD scaledobjects.keda.sh)";
    admin.post(&path).json(&by_clock_and_queue()).send().await.fails_like(500, absent);
    assert_eq!(admin.get(&path).send().await.ok(200).text, "null\n");
    admin.post(&path).json(&cpu(1, 3)).send().await.ok(200);
    assert_eq!(horizontal(&world).as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_cluster_that_keeps_keda_to_itself_is_told_so_and_scales_by_cpu() {
    let Some((world, _proxy)) = served_without("/apis/keda.sh/", Weather::Refused(403)).await else { return };
    let (admin, path) = (world.server.admin().await, path(&world));
    let why = "the account of this server may not manage scaledobjects.keda.sh in the cluster";
    let forbidden = format!("<said>cannot configure schedule/prometheus autoscale: {why}");
    admin.post(&path).json(&by_clock_and_queue()).send().await.fails_like(500, &forbidden);
    admin.post(&path).json(&cpu(1, 3)).send().await.ok(200);
    assert_eq!(
        (horizontal(&world).as_array().unwrap().len(), admin.get(&path).send().await.ok(200).json()[0]["maxUnits"].clone()),
        (1, json!(3))
    );
    admin.delete(&format!("{path}?process=web")).send().await.ok(200);
    assert_eq!(horizontal(&world), json!([]));
}

#[actix_web::test]
async fn what_a_vertical_autoscaler_recommends_is_shown_while_it_is_asked_for() {
    let Some(site) = Site::new().await else { return };
    let (world, name) = (&site.world, site.named("web"));
    let mut asking = web(1);
    asking.pod.annotations.insert("app.tsuru.io/enable-vpa".into(), "true".into());
    site.applied(&site.state(vec![asking])).await;
    let made = world.object("verticalpodautoscaler", &name);
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
    assert_eq!(made["spec"], json!({"targetRef": target, "updatePolicy": {"updateMode": "Off"}}));
    assert_eq!(made["metadata"]["labels"]["tsuru.io/app-process"], "web");
    // As its recommender does.
    let (cpu, memory) = ("25m", "262144k");
    let amount = json!({"cpu": cpu, "memory": memory});
    let own = json!({"containerName": name, "target": amount, "uncappedTarget": amount, "lowerBound": amount, "upperBound": amount});
    let other = json!({"containerName": "sidecar", "target": amount});
    let status = json!({"status": {"recommendation": {"containerRecommendations": [other, own]}}}).to_string();
    world.real.kubectl(&["patch", "vpa", &name, "-n", &world.name, "--subresource=status", "--type=merge", "-p", &status]);
    let kinds = ["target", "uncappedTarget", "lowerBound", "upperBound"];
    let all: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind, "cpu": cpu, "memory": memory})).collect();
    let expected = json!([{"process": "web", "recommendations": all}]);
    world.until("app info shows it", |info| info["autoscaleRecommendation"] == expected).await;
    site.applied(&site.state(vec![web(1)])).await;
    assert!(world.names("verticalpodautoscaler").is_empty());
    world.until("it is shown no more", |info| info.get("autoscaleRecommendation").is_none()).await;
}
