//! Processes that scale by themselves.

use serde_json::{Value, json};

use super::{World, running};

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
