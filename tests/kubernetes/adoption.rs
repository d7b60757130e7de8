//! Apps that tsuru's server deployed: ours goes on with them as they are.

use impaas::{
    app::{App, version::AppVersions},
    store::Filter,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::World;
use crate::objects::recorded::{Moment, moments};

/// When the recorded app had two units of its first version.
const MOMENT: &str = "unit-add";
/// What stands in what is recorded for what is here.
const HERE: [(&str, &str); 3] = [
    ("127.0.0.1:5000/rec21018/app-hello:v1", "127.0.0.1:5000/base/python:latest"),
    ("python3 app.py", "python3 -m http.server 8888"),
    ("\"dev\"", "\"kube\""),
];

/// The recorded app, in the cluster and in the database.
async fn adopted() -> Option<World> {
    let world = World::with_settings("host: http://127.0.0.1:8081\n").await?;
    world.enter("real", world.by_token()).await;
    let moment = moments().into_iter().find(|moment| moment.name == MOMENT).unwrap();
    let mut app: App = document(&world, &moment, "apps");
    app.routers.clear();
    world.server.ctx.store.of::<App>().insert(&app).await.unwrap();
    world.server.ctx.store.of::<AppVersions>().insert(&document(&world, &moment, "app_versions")).await.unwrap();
    world.apply(&objects(&world, &moment));
    world.until("its units run", |info| ready(info) == 2).await;
    Some(world)
}

fn document<T: DeserializeOwned>(world: &World, moment: &Moment, collection: &str) -> T {
    let name = if collection == "apps" { "name" } else { "appname" };
    let recorded = moment.raw(collection).iter().find(|document| document[name] == "hello").unwrap();
    let bson: bson::Bson = serde_json::from_value(here(world, recorded)).unwrap();
    bson::deserialize_from_bson(bson).unwrap()
}

fn objects(world: &World, moment: &Moment) -> Vec<Value> {
    let wanted = |object: &&Value| {
        let kind = object["kind"].as_str().unwrap();
        let own = object["metadata"]["name"].as_str().unwrap().contains("hello");
        own && ["Deployment", "Secret", "Service", "ServiceAccount", "PodDisruptionBudget", "App"].contains(&kind)
    };
    let fit = |object: &Value| {
        let mut object = here(world, object);
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.insert("namespace".into(), world.name.as_str().into());
        metadata.remove("ownerReferences");
        if object["kind"] == "App" {
            object["spec"]["namespaceName"] = world.name.as_str().into();
        }
        if let Some(spec) = object["spec"].as_object_mut().filter(|spec| spec.get("clusterIP") != Some(&json!("None"))) {
            spec.retain(|field, _| !field.starts_with("clusterIP"));
        }
        // The node here belongs to no pool, and the image has another kind of tag.
        if let Some(pods) = object.pointer_mut("/spec/template/spec") {
            pods.as_object_mut().unwrap().remove("nodeSelector");
            pods["containers"][0].as_object_mut().unwrap().remove("imagePullPolicy");
        }
        object
    };
    moment.objects.values().filter(wanted).map(fit).collect()
}

fn here(world: &World, recorded: &Value) -> Value {
    let text = HERE.iter().fold(recorded.to_string(), |text, (there, here)| text.replace(there, here));
    serde_json::from_str(&text.replace("hello", &world.name)).unwrap()
}

fn ready(info: &Value) -> usize {
    info["units"].as_array().map_or(0, |units| units.iter().filter(|unit| unit["Ready"] == true).count())
}

fn deployment(world: &World) -> Value {
    let text = world.real.kubectl(&["get", "deployment", &format!("{}-web", world.name), "-n", &world.name, "-o", "json"]);
    let mut found: Value = serde_json::from_str(&text).unwrap();
    let kept = json!({"labels": found["metadata"]["labels"], "digest": found["metadata"]["annotations"]["tsuru.io/secret-sha256"]});
    json!({"metadata": kept, "spec": found["spec"].take()})
}

#[actix_web::test]
async fn the_first_restart_changes_nothing_but_the_label_and_an_unset_variable_is_gone() {
    let Some(world) = adopted().await else { return };
    let (admin, app) = (world.server.admin().await, format!("/1.0/apps/{}", world.name));
    let before = deployment(&world);
    admin.post(&format!("{app}/restart")).form(&[]).send().await.ok(200);
    let mut after = deployment(&world);
    for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
        let restarts = after.pointer_mut(labels).unwrap().as_object_mut().unwrap().remove("tsuru.io/restarts");
        assert_eq!(restarts, Some(json!("1")), "{labels}");
    }
    assert_eq!(after, before);
    admin.delete(&format!("{app}/env?noRestart=false&env=GREETING")).send().await.ok(200);
    let env = &deployment(&world)["spec"]["template"]["spec"]["containers"][0]["env"];
    let names: Vec<&str> = env.as_array().unwrap().iter().map(|var| var["name"].as_str().unwrap()).collect();
    assert!(!names.contains(&"GREETING") && names.contains(&"SECRET"), "{names:?}");
}

#[actix_web::test]
async fn what_was_stopped_comes_back_with_the_units_it_had() {
    let Some(world) = adopted().await else { return };
    let (admin, app) = (world.server.admin().await, format!("/1.0/apps/{}", world.name));
    admin.post(&format!("{app}/stop")).form(&[]).send().await.ok(200);
    let stopped = deployment(&world);
    assert_eq!((&stopped["spec"]["replicas"], &stopped["metadata"]["labels"]["tsuru.io/is-stopped"]), (&json!(0), &json!("true")));
    let versions = world.server.ctx.store.of::<AppVersions>().get(Filter::eq("appname", &world.name)).await.unwrap().unwrap();
    assert_eq!(versions.versions["1"].past_units, [("web".to_owned(), 2)].into());
    admin.post(&format!("{app}/start")).form(&[]).send().await.ok(200);
    assert_eq!(deployment(&world)["spec"]["replicas"], 2);
}
