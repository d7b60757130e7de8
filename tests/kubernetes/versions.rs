//! Versions beside each other, through the API: what each has, who gets requests, how many units, and what becomes of them.

use std::collections::BTreeSet;

use impaas::app::version::AppVersions;
use serde_json::{Value, json};

use super::{
    PATIENCE, World,
    build::{Yard, ended_well},
    proxy::{Proxy, Weather},
};
use crate::{api::harness::Reply, server::eventually};

/// Units end at once: what they run does not listen to SIGTERM.
const DOCKERFILE: &str = "FROM 127.0.0.1:5000/base/busybox:latest\nSTOPSIGNAL SIGKILL\nWORKDIR /app\nCOPY . .\n";
/// Two processes, one of which answers with the version's text.
const PROCFILE: &str = "web: httpd -f -p 8888 -h /app\nworker: sleep 1000000\n";

impl Yard {
    /// Deploys a version that answers with this text.
    pub async fn serves(&self, text: &str, flags: &[(&str, &str)]) {
        ended_well(&self.deploys_files(flags, &[("index.html", text), ("Procfile", PROCFILE)]).await);
    }

    /// Deploys a folder.
    pub async fn deploys_files(&self, flags: &[(&str, &str)], files: &[(&str, &str)]) -> Reply {
        let fields = [&[("dockerfile", DOCKERFILE)], flags].concat();
        self.upload(&fields, files).await.ok(200)
    }

    /// Two versions: the second gets no requests.
    async fn serves_both(&self) {
        self.serves("first", &[]).await;
        self.serves("second", &[("new-version", "true")]).await;
    }

    async fn post(&self, what: &str, fields: &[(&str, &str)]) -> Reply {
        self.world.server.admin().await.post(&format!("/1.0/apps/{}/{what}", self.world.name)).form(fields).send().await
    }

    async fn add(&self, fields: &[(&str, &str)]) -> Reply {
        self.world.server.admin().await.put(&format!("/1.0/apps/{}/units", self.world.name)).form(fields).send().await
    }

    async fn delete(&self, what: &str) -> Reply {
        self.world.server.admin().await.delete(&format!("/1.10/apps/{}/{what}", self.world.name)).send().await
    }

    async fn toggle(&self, version: &str, routable: bool) -> Reply {
        let path = format!("/1.8/apps/{}/routable", self.world.name);
        self.world.server.admin().await.post(&path).json(&json!({"version": version, "isRoutable": routable})).send().await
    }

    /// Waits until the service of this process leads to the units of exactly these versions.
    async fn reaches(&self, process: &str, versions: &[u64]) {
        let info = self.world.info(&self.world.server.admin().await).await;
        let expected: BTreeSet<String> =
            units(&info).filter(|unit| unit.0 == process && versions.contains(&unit.1)).map(|unit| unit.3).collect();
        assert!(!expected.is_empty(), "{info}");
        eventually(&format!("requests reach {versions:?}"), PATIENCE, async || {
            let found = self.world.object("endpoints", &self.world.named(process));
            let subsets = found["subsets"].as_array().cloned().unwrap_or_default();
            let addresses = subsets.iter().flat_map(|subset| subset["addresses"].as_array().cloned().unwrap_or_default());
            addresses.map(|address| address["ip"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>() == expected
        })
        .await;
    }

    /// Waits until so many units of each version and process run, and nothing else; their names.
    async fn has(&self, wanted: &[(u64, &str, usize)]) -> BTreeSet<String> {
        let count = |info: &Value, version: u64, process: &str| units(info).filter(|unit| unit.0 == process && unit.1 == version).count();
        let all = wanted.iter().map(|(_, _, count)| count).sum::<usize>();
        let is_so = |info: &Value| {
            let ready = info["units"].as_array().unwrap().iter().all(|unit| unit["Ready"] == true && unit["Status"] == "started");
            ready && units(info).count() == all && wanted.iter().all(|(version, process, wanted)| count(info, *version, process) == *wanted)
        };
        let info = self.world.until(&format!("units are {wanted:?}"), is_so).await;
        units(&info).map(|unit| unit.2).collect()
    }

    /// How many units the deployment of this name should have.
    fn replicas(&self, deployment: &str) -> Value {
        self.world.object("deployment", &self.world.named(deployment))["spec"]["replicas"].clone()
    }

    fn named(&self, rests: &[&str]) -> Vec<String> {
        rests.iter().map(|rest| self.world.named(rest)).collect()
    }
}

/// Process, version, name and address of each unit.
fn units(info: &Value) -> impl Iterator<Item = (String, u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    info["units"].as_array().unwrap().iter().map(move |unit| {
        (text(&unit["ProcessName"]), unit["Version"].as_u64().unwrap_or_default(), text(&unit["Name"]), text(&unit["InternalIP"]))
    })
}

#[actix_web::test]
async fn a_version_beside_another_has_objects_of_its_own_and_requests_turn_without_a_restart_until_one_overrides_both() {
    let Some(yard) = Yard::with_app().await else { return };
    yard.serves_both().await;
    let world = &yard.world;
    assert_eq!(world.names("deployments"), yard.named(&["web", "web-v2", "worker", "worker-v2"]));
    let services = ["web", "web-units", "web-v1", "web-v2", "worker", "worker-units", "worker-v1", "worker-v2"];
    assert_eq!(world.names("services"), yard.named(&services));
    let selected = |service: &str, more: Value| {
        let mut expected = json!({"tsuru.io/app-name": world.name, "tsuru.io/app-process": "web", "tsuru.io/is-build": "false"});
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(world.object("service", &world.named(service))["spec"]["selector"], expected, "{service}");
    };
    selected("web", json!({"tsuru.io/is-routable": "true"}));
    selected("web-v1", json!({"tsuru.io/app-version": "1", "tsuru.io/is-isolated-run": "false"}));
    selected("web-v2", json!({"tsuru.io/app-version": "2", "tsuru.io/is-isolated-run-version": "false"}));
    let names = yard.has(&[(1, "web", 1), (1, "worker", 1), (2, "web", 1), (2, "worker", 1)]).await;
    yard.reaches("web", &[1]).await;
    yard.toggle("v2", true).await.ok(200);
    yard.reaches("web", &[1, 2]).await;
    yard.toggle("1", false).await.ok(200);
    yard.reaches("web", &[2]).await;
    let routed = |info: &Value| info["units"].as_array().unwrap().iter().all(|unit| unit["Routable"] == (unit["Version"] == 2));
    world.until("units say who gets requests", routed).await;
    yard.toggle("1", true).await.ok(200);
    yard.reaches("web", &[1, 2]).await;
    assert_eq!(yard.has(&[(1, "web", 1), (1, "worker", 1), (2, "web", 1), (2, "worker", 1)]).await, names);
    assert!(world.objects("deployments").iter().all(|deployment| deployment["spec"]["paused"].is_null()));
    yard.add(&[("units", "2"), ("process", "web"), ("version", "2")]).await.ok(200);
    let flags = "multiple versions currently deployed, either new-version or override-old-versions must be set";
    yard.upload(&[("dockerfile", DOCKERFILE)], &[("Procfile", PROCFILE)]).await.says(500, flags);
    yard.serves("third", &[("override-versions", "true")]).await;
    // All that got requests together.
    yard.has(&[(3, "web", 4), (3, "worker", 2)]).await;
    assert_eq!(world.names("deployments"), yard.named(&["web", "worker"]));
    eventually("services of versions are gone", PATIENCE, async || {
        world.names("services") == yard.named(&["web", "web-units", "worker", "worker-units"])
    })
    .await;
    selected("web", json!({"tsuru.io/is-routable": "true"}));
    yard.reaches("web", &[3]).await;
}

#[actix_web::test]
async fn units_stop_start_and_restart_by_version_and_process_and_come_back_as_many_as_they_were() {
    let Some(yard) = Yard::with_app().await else { return };
    yard.serves_both().await;
    let first = [(1, "web", 1), (1, "worker", 1)];
    let one = [("units", "1")];
    yard.add(&[one[0], ("process", "web")]).await.says(500, "more than one version deployed, you must select one");
    let which = "no process name specified and more than one declared in Procfile";
    yard.add(&[one[0], ("version", "1")]).await.says(500, which);
    yard.add(&[("units", "2"), ("process", "web"), ("version", "2")]).await.ok(200);
    yard.has(&[first[0], first[1], (2, "web", 3), (2, "worker", 1)]).await;
    yard.delete("units?units=1&process=web&version=2").await.ok(200);
    yard.has(&[first[0], first[1], (2, "web", 2), (2, "worker", 1)]).await;
    yard.post("stop", &[("version", "2")]).await.ok(200);
    let before = yard.has(&first).await;
    let noted = AppVersions::load(&yard.world.server.ctx.store, &yard.world.name).await.unwrap();
    assert_eq!(noted.versions["2"].past_units, [("web".to_owned(), 2), ("worker".to_owned(), 1)].into());
    yard.post("restart", &[]).await.ok(200);
    // What is stopped stays so.
    eventually("others run in their place", PATIENCE, async || yard.has(&first).await.is_disjoint(&before)).await;
    assert_eq!((yard.replicas("web-v2"), yard.replicas("worker-v2")), (json!(0), json!(0)));
    let before = yard.has(&first).await;
    yard.post("start", &[("version", "2")]).await.ok(200);
    let both = yard.has(&[first[0], first[1], (2, "web", 2), (2, "worker", 1)]).await;
    assert!(before.is_subset(&both), "{before:?} {both:?}");
    yard.post("restart", &[("process", "worker"), ("version", "2")]).await.ok(200);
    eventually("one runs in its place", PATIENCE, async || {
        let now = yard.has(&[first[0], first[1], (2, "web", 2), (2, "worker", 1)]).await;
        let gone: Vec<_> = both.difference(&now).collect();
        gone.len() == 1 && gone[0].starts_with(&yard.world.named("worker-v2-"))
    })
    .await;
    yard.post("stop", &[]).await.ok(200);
    yard.has(&[]).await;
    yard.post("start", &[]).await.ok(200);
    yard.has(&[first[0], first[1], (2, "web", 2), (2, "worker", 1)]).await;
}

#[actix_web::test]
async fn a_version_goes_with_all_that_is_its_own_and_the_other_does_not_notice() {
    let Some(yard) = Yard::with_app().await else { return };
    yard.serves_both().await;
    let world = &yard.world;
    let admin = world.server.admin().await;
    let before = yard.has(&[(1, "web", 1), (1, "worker", 1), (2, "web", 1), (2, "worker", 1)]).await;
    let scale = json!({"process": "web", "minUnits": 1, "maxUnits": 3, "averageCPU": "50%", "behavior": {}});
    admin.post(&format!("/1.9/apps/{}/units/autoscale", world.name)).json(&scale).send().await.ok(200);
    let swap = format!("/1.29/apps/{}/units/autoscale/swap", world.name);
    admin.post(&swap).json(&json!({"version": "2"})).send().await.ok(200);
    let target = |scaler: &Value| scaler["spec"]["scaleTargetRef"]["name"].clone();
    assert_eq!(world.objects("hpa").iter().map(target).collect::<Vec<_>>(), [world.named("web-v2")]);
    yard.delete("versions/2").await.ok(200);
    eventually("what is its own is gone", PATIENCE, async || {
        let services = ["web", "web-units", "web-v1", "worker", "worker-units", "worker-v1"];
        let secrets = ["web", "worker"].map(|process| format!("tsuru-app-{}", world.named(process)));
        world.names("deployments") == yard.named(&["web", "worker"])
            && world.names("services") == yard.named(&services)
            && world.names("secrets") == secrets
            && world.names("hpa").is_empty()
    })
    .await;
    let after = yard.has(&[(1, "web", 1), (1, "worker", 1)]).await;
    assert!(after.is_subset(&before), "{before:?} {after:?}");
    assert_eq!(yard.tags().await, ["v1"]);
    yard.reaches("web", &[1]).await;
}

/// What turning requests changes: labels of deployments, replica sets and pods.
fn labels(world: &World) -> Value {
    let of = |kind: &str| -> Vec<Value> {
        let all = world.objects(kind).into_iter();
        let said = all.map(|object| {
            json!([object["metadata"]["name"], object["metadata"]["labels"], object["spec"]["template"], object["spec"]["paused"]])
        });
        said.collect()
    };
    json!([of("deployments"), of("replicasets"), of("pods")])
}

#[actix_web::test]
async fn requests_that_cannot_be_turned_for_all_units_are_turned_back_for_all() {
    let Some(mut world) = World::new().await else { return };
    let proxy = Proxy::start(&world.real).await;
    world.address = proxy.url();
    let yard = Yard::of(world).await;
    yard.world.make_app().await;
    yard.serves_both().await;
    let names = yard.has(&[(1, "web", 1), (1, "worker", 1), (2, "web", 1), (2, "worker", 1)]).await;
    let before = labels(&yard.world);
    // The web process comes first, and is done by then.
    proxy.set(Weather::Forbidden(["/pods/", "-worker-v2-"]));
    proxy.take_asked();
    yard.toggle("2", true).await.says(500, "not now");
    let asked = proxy.take_asked();
    assert!(asked.iter().any(|asked| asked.starts_with("PUT ") && asked.contains("/pods/") && asked.contains("-web-v2-")), "{asked:#?}");
    assert_eq!(labels(&yard.world), before);
    proxy.set(Weather::Fair);
    yard.toggle("2", true).await.ok(200);
    yard.reaches("web", &[1, 2]).await;
    assert_eq!(yard.has(&[(1, "web", 1), (1, "worker", 1), (2, "web", 1), (2, "worker", 1)]).await, names);
}
