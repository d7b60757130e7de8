//! What rollouts write, what they undo, and what a cluster that is ill for a while changes in them: nothing.

use std::ops::Deref;

use impaas::{
    output::Output,
    provisioner::{PodPlace, ProcessState},
};
use serde_json::{Value, json};

use crate::server::eventually;

use super::{
    World,
    proxy::{Proxy, Weather, writes},
    rollout::{IMAGE, Site, web},
};

/// Seconds that a rollout may take, however slow the machine is.
const LONG: u32 = 120;

/// An app behind a proxy, whose rollouts may have little time.
struct Hasty {
    site: Site,
    proxy: Proxy,
}

impl Hasty {
    async fn new() -> Option<Self> {
        Self::within(LONG, LONG).await
    }

    /// One whose rollouts have so many seconds for health checks, and for progress.
    async fn within(health: u32, progress: u32) -> Option<Self> {
        let settings = format!("docker:\n  healthcheck:\n    max-time: {health}\nkubernetes:\n  deployment-progress-timeout: {progress}\n");
        let mut world = World::with_settings(&settings).await?;
        let proxy = Proxy::start(&world.real).await;
        world.address = proxy.url();
        Some(Self { site: Site::of(world, &[]).await, proxy })
    }

    /// What was changed since it was taken last.
    fn written(&self) -> Vec<String> {
        writes(&self.proxy.take_asked()).into_iter().cloned().collect()
    }
}

impl Deref for Hasty {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// A process that gets well, however little time there is for others.
fn well(version: u32) -> ProcessState {
    let mut process = web(version);
    process.healthcheck.as_mut().unwrap().deploy_timeout_seconds = LONG;
    process
}

/// The objects that were written, by kind and name.
fn changed(site: &Hasty) -> Vec<String> {
    let name = |asked: &String| asked.trim_end_matches('?').rsplit('/').take(2).collect::<Vec<_>>().join("/");
    let turned = |text: String| {
        let (name, kind) = text.split_once('/').unwrap();
        format!("{kind}/{}", name.trim_start_matches(&site.named("")))
    };
    site.written().iter().map(name).map(turned).collect()
}

/// As it is read back: it goes on as it runs.
fn seen(process: &ProcessState) -> ProcessState {
    let ProcessState { version, name, units, routable, pod, .. } = process.clone();
    ProcessState { version, name, units, routable, pod, ..ProcessState::default() }
}

#[actix_web::test]
async fn only_what_changed_is_written_and_a_first_deploy_is_at_most_fifteen_writes() {
    let Some(site) = Hasty::new().await else { return };
    site.proxy.take_asked();
    let mut want = site.state(vec![web(1)]);
    site.applied(&want).await;
    let first = site.written();
    assert!(first.len() <= 15, "{first:#?}");
    let said = site.applied(&want).await;
    assert!(said.contains("---- No changes on units [web] [version 1] ----"), "{said}");
    assert_eq!(site.written(), [""; 0]);
    want.processes[0].restarted = 1;
    let said = site.applied(&want).await;
    assert!(said.contains(" ---> No changes on secret ") && said.contains(" ---> 1 old units pending termination"), "{said}");
    // The services say the number of restarts too.
    assert_eq!(changed(&site), ["deployments/web", "services/web", "services/web-units"]);
    want.processes = vec![ProcessState { units: 2, ..seen(&want.processes[0]) }];
    let said = site.applied(&want).await;
    let expected = "\n ---> Waiting for units to be ready [web] [version 1]\n ---> ";
    assert!(said.starts_with(expected) && said.contains(" ---> 2 of 2 new units ready\n ---> All units ready\n"), "{said}");
    assert_eq!(changed(&site), ["deployments/web"]);
    let restarts = &site.get("deployment", &site.named("web"))["spec"]["template"]["metadata"]["labels"]["tsuru.io/restarts"];
    assert_eq!(restarts, "1");
}

#[actix_web::test]
async fn a_version_that_does_not_get_well_is_told_with_its_last_lines_and_the_one_before_goes_on() {
    let Some(site) = Hasty::within(3, LONG).await else { return };
    site.applied(&site.state(vec![well(1)])).await;
    let before = site.get("deployment", &site.named("web"));
    let mut ill = web(2);
    ill.command = ["/bin/sh", "-c", "echo I am ill; sleep 60"].map(str::to_owned).into();
    ill.env.insert("SECRET".into(), "other".into());
    let (done, said) = site.apply(&site.state(vec![ill])).await;
    let why = done.unwrap_err().to_string();
    let pod = format!(" ---> Pod \"{}-", site.named("web"));
    assert!(
        why.starts_with(&pod) && why.contains("\" not ready: ") && why.contains("failed health check, HTTP GET to / on port 8888: "),
        "{why}"
    );
    assert!(why.contains("\n---- Last 1 log messages: ----\n    20") && why.ends_with("]: I am ill"), "{why}");
    let timeout = "\n\n**** HEALTHCHECK TIMEOUT OF 3S EXCEEDED ****\n\n**** ROLLING BACK AFTER FAILURE ****\nDeployment: ";
    assert!(said.contains(timeout), "{said}");
    let after = site.get("deployment", &site.named("web"));
    assert_eq!(after["spec"], before["spec"]);
    let secret = site.get("secret", &format!("tsuru-app-{}", site.named("web")));
    assert_eq!(secret["data"]["SECRET"], "aHVzaA==");
}

#[actix_web::test]
async fn a_first_version_that_fails_leaves_nothing_but_an_empty_app() {
    let Some(site) = Hasty::within(LONG, 10).await else { return };
    let mut missing = web(1);
    missing.pod.image = "127.0.0.1:5000/base/none:latest".into();
    let (done, said) = site.apply(&site.state(vec![missing])).await;
    let why = done.unwrap_err().to_string();
    assert!(why.contains("\" with warning: ") && said.contains("**** DEPLOYMENT PROGRESS TIMEOUT OF 10S EXCEEDED ****"), "{why}\n{said}");
    assert!(said.ends_with("\n\n**** DELETING CREATED DEPLOYMENT AFTER FAILURE ****"), "{said}");
    let empty = Vec::<String>::new();
    assert_eq!((site.names("deployments"), site.names("services"), site.names("secrets")), (empty.clone(), empty.clone(), empty));
}

#[actix_web::test]
async fn when_a_later_process_fails_those_before_come_back() {
    let Some(site) = Hasty::within(LONG, 30).await else { return };
    let worker = |version: u32| ProcessState {
        name: "worker".into(),
        command: vec!["sleep 3600".into()],
        routable: false,
        healthcheck: None,
        pod: PodPlace { image: IMAGE.into(), ports: Some(Vec::new()), ..PodPlace::default() },
        ..web(version)
    };
    site.applied(&site.state(vec![web(1), worker(1)])).await;
    let before = site.get("deployment", &site.named("web"));
    let mut missing = worker(2);
    missing.pod.image = "127.0.0.1:5000/base/none:latest".into();
    let (done, said) = site.apply(&site.state(vec![web(2), missing])).await;
    assert!(done.unwrap_err().to_string().contains("-worker-"), "{said}");
    assert!(said.contains("---- Updating units [web] [version 1] ----\n\n ---> Waiting for units"), "{said}");
    assert_eq!(site.get("deployment", &site.named("web"))["spec"], before["spec"]);
}

#[actix_web::test]
async fn a_second_version_beside_the_first_gets_requests_without_a_restart_and_goes_again() {
    let Some(site) = Hasty::new().await else { return };
    let first = web(1);
    site.applied(&site.state(vec![first.clone()])).await;
    let beside = ProcessState { routable: false, ..web(2) };
    let said = site.applied(&site.state(vec![seen(&first), beside.clone()])).await;
    let services = format!(" ---> Service {0}-v1\n ---> Service {0}-v2\n ---> Service {0}\n", site.named("web"));
    assert!(said.starts_with("---- Updating units [web] [version 2] ----\n") && said.contains(&services), "{said}");
    let pods = site.names("pods");
    let routed = ProcessState { routable: true, ..seen(&beside) };
    site.applied(&site.state(vec![seen(&first), routed.clone()])).await;
    let deployment = site.get("deployment", &site.named("web-v2"));
    assert_eq!(
        (&deployment["spec"]["paused"], &deployment["spec"]["template"]["metadata"]["labels"]["tsuru.io/is-routable"]),
        (&Value::Null, &json!("true"))
    );
    eventually("both versions get requests", super::PATIENCE, async || {
        let found = site.get("endpoints", &site.named("web"));
        found["subsets"][0]["addresses"].as_array().is_some_and(|all| all.len() == 2)
    })
    .await;
    assert_eq!(site.names("pods"), pods);
    let said = site.applied(&site.state(vec![routed])).await;
    let web = site.named("web");
    let cleaned = format!(
        "---- Cleaning up resources ----\n ---> Cleaning up deployment {web}\n ---> Cleaning up secret tsuru-app-{web}\n ---> Cleaning up service {web}-v1"
    );
    assert!(said.ends_with(&cleaned), "{said}");
    assert_eq!(site.names("deployments"), [site.named("web-v2")]);
}

#[actix_web::test]
async fn a_rollout_that_nobody_wants_any_more_is_undone_before_the_next() {
    let Some(site) = Hasty::new().await else { return };
    let first = site.state(vec![web(1)]);
    site.applied(&first).await;
    let before = site.get("deployment", &site.named("web"));
    let mut slow = web(2);
    slow.command = vec!["sleep 60".into()];
    let slow = site.state(vec![slow]);
    {
        let mut applying = std::pin::pin!(site.apply(&slow));
        let updated = eventually("the new version is there", super::PATIENCE, async || {
            site.get("deployment", &site.named("web"))["spec"] != before["spec"]
        });
        tokio::select! {
            _ = &mut applying => panic!("it must not be done"),
            () = updated => {}
        }
    }
    site.applied(&site.state(vec![seen(&first.processes[0])])).await;
    assert_eq!(site.get("deployment", &site.named("web"))["spec"], before["spec"]);
}

#[actix_web::test]
async fn a_cluster_that_is_ill_for_a_while_undoes_nothing() {
    let Some(site) = Hasty::within(12, 12).await else { return };
    site.applied(&site.state(vec![web(1)])).await;
    for (version, weather) in [(2, Weather::Refused(429)), (3, Weather::Refused(500)), (4, Weather::Hangs)] {
        let want = site.state(vec![web(version)]);
        let ill = async {
            site.proxy.take_asked();
            eventually("the deployment is written", super::PATIENCE, async || {
                site.proxy.asked().iter().any(|asked| asked.starts_with("PUT ") && asked.contains("/deployments/"))
            })
            .await;
            site.proxy.set(weather);
            site.proxy.cut();
            // Longer than a health check may take.
            tokio::time::sleep(std::time::Duration::from_secs(14)).await;
            site.proxy.set(Weather::Fair);
        };
        let (said, ()) = tokio::join!(site.applied(&want), ill);
        assert!(said.contains(" ---> All units ready") && !said.contains("****"), "{weather:?}: {said}");
    }
}

#[actix_web::test]
async fn a_removed_app_leaves_nothing_of_its_own() {
    let Some(site) = Hasty::new().await else { return };
    site.applied(&site.state(vec![web(1)])).await;
    let labels = json!({"tsuru.io/is-tsuru": "true", "tsuru.io/app-name": site.world.name, "tsuru.io/router-lb": "x"});
    site.world.apply(&[json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "routers", "labels": labels}, "spec": {"ports": [{"port": 80}]}})]);
    site.provisioner.remove(&site.world.name, &Output::default()).await.unwrap();
    eventually("all is gone", super::PATIENCE, async || {
        let kinds = ["deployments", "secrets", "poddisruptionbudgets", "apps.tsuru.io"];
        kinds.iter().all(|kind| site.names(kind).is_empty()) && site.names("services") == ["routers"]
    })
    .await;
    assert_eq!(site.names("serviceaccounts"), ["default"]);
}
