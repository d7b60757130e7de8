//! Autoscale: what is asked for is checked, kept and shown; units by hand.

use std::sync::Arc;

use impaas::{
    app::App,
    event::Event,
    permission::ContextType::{App as OfApp, Pool, Team},
    store::{Filter, Update},
};
use serde_json::{Value, json};

use super::{
    deploy::{deploy, server},
    harness::Server,
    memory::Memory,
};

const DENIED: &str = "You don't have permission to do this action";
const PATH: &str = "/1.9/apps/a/units/autoscale";

async fn deployed() -> (Server, Arc<Memory>) {
    let (server, memory) = server().await;
    deploy(&server.admin().await, &[]).await.ok(200);
    (server, memory)
}

/// As the stock client asks for it.
fn cpu() -> Value {
    json!({"process": "web", "minUnits": 2, "maxUnits": 3, "averageCPU": "50%", "behavior": {"scaleDown": {}}})
}

fn with(changes: Value) -> Value {
    let mut spec = cpu();
    spec.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    spec
}

#[actix_web::test]
async fn what_is_asked_for_is_kept_shown_and_forgotten() {
    let (server, memory) = deployed().await;
    let admin = server.admin().await;
    assert_eq!(admin.get(PATH).send().await.ok(200).text, "null\n");
    let set = admin.post(PATH).json(&cpu()).send().await.ok(200);
    assert_eq!((set.text.as_str(), set.header("content-type")), ("", None));
    let shown = concat!(
        r#"[{"process":"web","minUnits":2,"maxUnits":3,"averageCPU":"500m","version":1,"behavior":{"scaleDown":{"#,
        r#""stabilizationWindow":300,"percentagePolicyValue":10,"unitsPolicyValue":3}}}]"#
    );
    assert_eq!(admin.get(PATH).send().await.ok(200).text.trim_end(), shown);
    assert!(admin.get("/1.0/apps/a").send().await.ok(200).text.contains(&format!("\"autoscale\":{shown}")));
    assert_eq!(memory.shape("a")[0], (1, "web".into(), 2, true), "it has the units that it is to have at least");
    let by_hand = admin.put("/1.0/apps/a/units").form(&[("units", "1"), ("process", "web")]).send().await;
    by_hand.fails_like(500, "<said>cannot add units to an app with autoscaler configured, please update autoscale settings");

    let all = with(json!({
        "averageCPU": "",
        "schedules": [{"name": "day", "minReplicas": 2, "start": "0 8 * * *", "end": "0 20 * * *"}],
        "prometheus": [{"name": "queue", "query": "q", "threshold": 2.5, "prometheusAddress": "http://p"}],
        "behavior": {"scaleDown": {"stabilizationWindow": 0, "unitsPolicyValue": 1}},
    }));
    admin.post(PATH).json(&all).send().await.ok(200);
    let shown = admin.get(PATH).send().await.ok(200).json();
    let schedule = json!([{"name": "day", "minReplicas": 2, "start": "0 8 * * *", "end": "0 20 * * *", "timezone": "UTC"}]);
    assert_eq!((&shown[0]["schedules"], shown[0].get("averageCPU")), (&schedule, None));
    assert_eq!(shown[0]["prometheus"], json!([{"name": "queue", "query": "q", "threshold": 2.5, "prometheusAddress": "http://p"}]));
    let down = json!({"stabilizationWindow": 0, "percentagePolicyValue": 10, "unitsPolicyValue": 1});
    assert_eq!(shown[0]["behavior"]["scaleDown"], down);

    admin.delete(&format!("{PATH}?process=web")).send().await.ok(200);
    assert_eq!(admin.get(PATH).send().await.ok(200).text, "null\n");
    admin.delete(&format!("{PATH}?process=web")).send().await.ok(200);
    let kinds: Vec<String> = server
        .ctx
        .store
        .of::<Event>()
        .find(Filter::regex("kind.name", "autoscale"))
        .await
        .unwrap()
        .into_iter()
        .map(|e| e.kind.name)
        .collect();
    let (add, remove) = ("app.update.unit.autoscale.add", "app.update.unit.autoscale.remove");
    assert_eq!(kinds, [add, add, remove, remove]);
}

#[actix_web::test]
async fn what_makes_no_sense_is_refused_with_the_words_of_the_contract() {
    let (server, _) = deployed().await;
    let admin = server.admin().await;
    let refused = async |changes: Value, text: &str| {
        let reply = admin.post(PATH).json(&with(changes)).send().await;
        reply.fails(400, &format!("unable to validate autoscale spec: {text}"));
    };
    refused(json!({"minUnits": 0}), "minimum units must be greater than 0").await;
    refused(json!({"maxUnits": 2}), "maximum units must be greater than minimum units").await;
    refused(json!({"averageCPU": ""}), "you have to configure at least one trigger between cpu, schedule and prometheus").await;
    refused(json!({"averageCPU": "96"}), "autoscale cpu value cannot be greater than 95%").await;
    refused(json!({"averageCPU": "199m"}), "autoscale cpu value cannot be less than 20%").await;
    refused(json!({"averageCPU": "much"}), "unable to parse value \"much\" as autoscale cpu percentage").await;
    let schedule = |name: &str, start: &str, end: &str| json!({"schedules": [{"name": name, "start": start, "end": end}]});
    let name = "is an invalid name, it must contain only lower case letters, numbers or dashes and starts with a letter";
    refused(schedule("Day", "@daily", "@daily"), &format!("\"Day\" {name}")).await;
    refused(schedule("", "x", "@daily"), "invalid start time for schedule \"\": expected exactly 5 fields, found 1: [x]").await;
    refused(schedule("day", "@daily", "0 25 * * *"), "invalid end time for schedule \"day\": end of range (25) above maximum (23): 25")
        .await;
    let prometheus = |name: &str, threshold: f64, activation: f64| json!({"prometheus": [{"name": name, "query": "q", "threshold": threshold, "activationThreshold": activation}]});
    refused(prometheus("", 1.0, 0.0), &format!("\"\" {name}")).await;
    refused(prometheus("p", 0.0, 0.0), "prometheus threshold of name \"p\" must be greater than 0").await;
    refused(prometheus("p", 1.0, -1.0), "prometheus activationThreshold of name \"p\" must be greater than 0").await;
    for (field, text) in [
        ("percentagePolicyValue", "not enough percentage to scale down"),
        ("stabilizationWindow", "not enough stabilization window to scale down"),
        ("unitsPolicyValue", "not enough units to scale down"),
    ] {
        refused(json!({"behavior": {"scaleDown": {field: -1}}}), text).await;
    }
    server.ctx.store.of::<App>().update(Filter::eq("name", "a"), Update::set("quota.limit", 2)).await.unwrap();
    refused(json!({}), "maximum units cannot be greater than quota limit").await;
    // The worker has a unit too.
    server.ctx.store.of::<App>().update(Filter::eq("name", "a"), Update::set("quota.limit", 3)).await.unwrap();
    refused(json!({}), "maximum units cannot be greater than quota limit").await;
    for body in ["{", r#"{"minUnits": -1}"#, r#"{"minUnits": "x"}"#] {
        let reply = admin.post(PATH).body("application/json", body).send().await;
        reply.fails_like(400, "unable to parse autoscale spec: unable to parse as json: <why>");
    }
    assert_eq!(admin.get(PATH).send().await.ok(200).text, "null\n");
}

#[actix_web::test]
async fn a_process_has_to_be_there_and_meant() {
    let (server, _) = server().await;
    let admin = server.admin().await;
    let none = "no routable version found for app, at least one deploy is required before configuring autoscale";
    admin.post(PATH).json(&cpu()).send().await.fails(500, none);
    admin.delete(PATH).send().await.fails(500, none);
    deploy(&admin, &[]).await.ok(200);
    admin.post(PATH).json(&with(json!({"process": ""}))).send().await.fails(500, "process argument is required");
    admin.post(PATH).json(&with(json!({"process": "ghost"}))).send().await.fails(500, none);
    for request in [admin.get("/1.9/apps/ghost/units/autoscale"), admin.post("/1.9/apps/ghost/units/autoscale")] {
        request.send().await.fails(404, "App ghost not found.");
    }
}

#[actix_web::test]
async fn a_swap_names_a_version_that_runs() {
    let (server, _) = deployed().await;
    let admin = server.admin().await;
    let swap = "/1.29/apps/a/units/autoscale/swap";
    admin.post(swap).json(&json!({})).send().await.fails(400, "version is required to swap autoscale");
    let absent = "could not swap the autoscale, make sure the version provided is currently deployed";
    admin.post(swap).json(&json!({"version": "9"})).send().await.fails(500, absent);
    let none = "Cannot swap the autoscale, make sure the app has an autoscale configured";
    admin.post(swap).json(&json!({"version": "1"})).send().await.fails(500, none);
    admin.post(PATH).json(&cpu()).send().await.ok(200);
    deploy(&admin, &[("new-version", "true")]).await.ok(200);
    assert_eq!(admin.get(PATH).send().await.ok(200).json()[0]["version"], 1);
    admin.post(swap).form(&[("version", "2")]).send().await.ok(200);
    assert_eq!(admin.get(PATH).send().await.ok(200).json()[0]["version"], 2);
}

#[actix_web::test]
async fn an_app_of_a_used_name_starts_without() {
    let (server, _) = deployed().await;
    let admin = server.admin().await;
    admin.post(PATH).json(&cpu()).send().await.ok(200);
    admin.delete("/1.0/apps/a").send().await.ok(200);
    super::app::create(&admin, "a").await;
    assert_eq!(admin.get(PATH).send().await.ok(200).text, "null\n");
}

#[actix_web::test]
async fn each_call_takes_its_permission_on_the_app_its_team_or_its_pool() {
    let (server, _) = deployed().await;
    let admin = server.admin().await;
    admin.post(PATH).json(&cpu()).send().await.ok(200);
    for (number, (kind, own, foreign)) in [(Team, "demo", "other"), (OfApp, "a", "b"), (Pool, "local", "elsewhere")].into_iter().enumerate()
    {
        for (index, permission) in
            ["app.read", "app.update.unit.autoscale.add", "app.update.unit.autoscale.swap", "app.update.unit.autoscale.remove"]
                .into_iter()
                .enumerate()
        {
            let stranger = server.user_with(&format!("s{number}{index}@x.org"), kind, foreign, &["app"]).await;
            let less = server.user_with(&format!("l{number}{index}@x.org"), kind, own, &["app.create", "app.update.unit.add"]).await;
            let allowed = server.user_with(&format!("a{number}{index}@x.org"), kind, own, &[permission]).await;
            let call = async |caller: &super::harness::Caller<'_>| {
                let request = match index {
                    0 => caller.get(PATH),
                    1 => caller.post(PATH).json(&cpu()),
                    2 => caller.post("/1.29/apps/a/units/autoscale/swap").json(&json!({"version": "1"})),
                    _ => caller.delete(&format!("{PATH}?process=web")),
                };
                request.send().await
            };
            call(&stranger).await.fails(403, DENIED);
            call(&less).await.fails(403, DENIED);
            call(&allowed).await.ok(200);
            admin.post(PATH).json(&cpu()).send().await.ok(200);
        }
    }
}

#[actix_web::test]
async fn a_quota_keeps_room_for_the_units_that_processes_may_scale_to() {
    let (server, _memory) = deployed().await;
    let admin = server.admin().await;
    // Two units of three, and one that does not scale.
    admin.post(PATH).json(&cpu()).send().await.ok(200);
    let limit = async |limit: &str| admin.put("/1.0/apps/a/quota").form(&[("limit", limit)]).send().await;
    limit("3").await.fails(403, "New limit is less than the current allocated value");
    limit("4").await.ok(200);
    let more = admin.put("/1.0/apps/a/units").form(&[("units", "1"), ("process", "worker")]).send().await;
    assert!(more.text.contains("Quota exceeded. Available: 0, Requested: 1."), "{}", more.text);
    admin.delete(&format!("{PATH}?process=web")).send().await.ok(200);
    limit("3").await.ok(200);
}
