//! Jobs: their objects, their runs, what runs say, and how they end.

use std::time::Duration;

use futures_util::StreamExt;
use impaas::{
    event::Event,
    job::{self, Job},
    provisioner::{DynProvisioner, JobId, LogQuery},
    store::{Filter, Update},
};
use serde_json::{Value, json};

use super::{PATIENCE, World};
use crate::{
    api::{broker::Broker, service},
    server::eventually,
};

const IMAGE: &str = "127.0.0.1:5000/base/busybox:latest";

/// A world with a job, which is named as its namespace. Builds are not looked at here: its image is there already.
struct Lab {
    world: World,
}

impl Lab {
    /// With a job that runs this in a shell when somebody says so.
    async fn saying(script: &str) -> Option<Self> {
        Self::with(script, json!({"manual": true}), Update::set("spec.backofflimit", 0)).await
    }

    async fn with(script: &str, said: Value, spec: Update) -> Option<Self> {
        Self::of(World::new().await?, script, said, spec).await
    }

    async fn of(world: World, script: &str, said: Value, spec: Update) -> Option<Self> {
        let mut cluster = world.by_token();
        cluster["custom_data"]["job-event-creation"] = "true".into();
        world.enter("real", cluster).await;
        let mut job = json!({"name": world.name, "pool": "kube", "teamOwner": "demo", "container": {"command": ["/bin/sh", "-c", script]}});
        job.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        world.server.admin().await.post("/1.13/jobs").json(&job).send().await.ok(201);
        let deployed = spec.and_set("spec.container.internalRegistryImage", IMAGE);
        world.server.ctx.store.of::<Job>().update(Filter::eq("name", &world.name), deployed).await.unwrap();
        let lab = Self { world };
        lab.update(json!({"description": "deployed"})).await;
        Some(lab)
    }

    fn path(&self, rest: &str) -> String {
        format!("/1.13/jobs/{}{rest}", self.world.name)
    }

    async fn update(&self, changes: Value) {
        self.world.server.admin().await.put(&self.path("")).json(&changes).send().await.ok(202);
    }

    async fn set_env(&self, name: &str, value: &str, private: bool) {
        let env = json!({"envs": [{"name": name, "value": value}], "private": private});
        let set = self.world.server.admin().await.post(&self.path("/env")).json(&env).send().await.ok(200);
        assert!(!set.text.contains("Error"), "{set:?}");
    }

    async fn trigger(&self) -> String {
        let before = self.units().await.len();
        self.world.server.admin().await.post(&self.path("/trigger")).send().await.ok(200);
        self.until("the run is seen", |units| units.len() > before).await;
        self.units().await.last().unwrap()["ID"].as_str().unwrap().to_owned()
    }

    /// A run as the schedule begins it.
    fn begin(&self, name: &str) {
        let cron = self.one("cronjobs", "{.metadata.name}");
        self.kubectl(&["create", "job", name, &format!("--from=cronjob/{cron}")]);
    }

    async fn units(&self) -> Vec<Value> {
        let info = self.world.server.admin().await.get(&self.path("")).send().await.ok(200).json();
        info["units"].as_array().cloned().unwrap_or_default()
    }

    async fn until(&self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        eventually(what, PATIENCE, async || holds(&self.units().await)).await;
    }

    async fn until_first(&self, status: &str, reason: &str) {
        let what = format!("the first run is {status} {reason}");
        self.until(&what, |units| units.first().is_some_and(|unit| unit["Status"] == status && unit["StatusReason"] == reason)).await;
    }

    async fn lines(&self) -> Vec<String> {
        let lines = self.world.server.admin().await.get(&self.path("/log?lines=100")).send().await.ok(200).json();
        lines.as_array().unwrap().iter().map(|line| line["Message"].as_str().unwrap().to_owned()).collect()
    }

    async fn said(&self, line: &str) {
        eventually(&format!("it says {line:?}"), PATIENCE, async || self.lines().await.iter().any(|said| said == line)).await;
    }

    async fn provisioner(&self) -> (DynProvisioner, JobId) {
        let ctx = &self.world.server.ctx;
        let job = Job::load(&ctx.store, &self.world.name).await.unwrap();
        (job::provisioner(ctx, &job).await.unwrap(), job.key())
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        self.world.real.kubectl(&[arguments, &["-n", &self.world.name]].concat())
    }

    /// A path of the only object of a kind.
    fn one(&self, kind: &str, path: &str) -> String {
        let items = format!("{{range .items[*]}}{path}{{\"\\n\"}}{{end}}");
        let found = self.kubectl(&["get", kind, "-l", "tsuru.io/is-tsuru=true", "-o", &format!("jsonpath={items}")]);
        assert_eq!(found.lines().count(), 1, "{kind}: {found}");
        found.trim_end().to_owned()
    }

    /// Of all of the job's objects: kind, name, and what changes with every write.
    fn versions(&self) -> String {
        let path = "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}";
        self.kubectl(&["get", "cronjobs,secrets,serviceaccounts", "-l", "tsuru.io/is-tsuru=true", "-o", path])
    }

    async fn events(&self) -> Vec<Event> {
        let of_job = Filter::eq("kind.name", "job.run").and(Filter::eq("owner.type", "internal"));
        self.world.server.ctx.store.of::<Event>().find(of_job).await.unwrap()
    }
}

#[actix_web::test]
async fn a_run_has_the_variables_of_what_the_job_is_bound_to_until_it_is_unbound() {
    let Some(lab) = Lab::saying("echo \"at ${HOST:-nowhere} with ${PASSWORD:-nothing}\"").await else { return };
    let (admin, broker, job) = (lab.world.server.admin().await, Broker::start(), &lab.world.name);
    service::create(&admin, "mysql", &broker.url).await.ok(201);
    let form = [("name", "tododb"), ("owner", "demo"), ("plan", "small")];
    admin.post("/1.0/services/mysql/instances").form(&form).send().await.ok(201);
    broker.answers(&format!("PUT /resources/tododb/binds/jobs/{job}"), 201, r#"{"HOST":"db.test","PASSWORD":"hush"}"#);
    let bind = format!("/1.13/services/mysql/instances/tododb/jobs/{job}");
    admin.put(&bind).form(&[("noRestart", "false")]).send().await.ok(200);
    lab.trigger().await;
    lab.said("at db.test with hush").await;
    assert!(!lab.kubectl(&["get", "cronjobs,jobs,pods", "-o", "yaml"]).contains("hush"), "a private variable is in the open");
    let info = admin.get(&lab.path("")).send().await.ok(200).json();
    assert_eq!(info["serviceInstanceBinds"][0]["instance"], "tododb");
    admin.delete(&bind).send().await.ok(200);
    // By its schedule: by hand it begins once a minute.
    lab.begin("unbound");
    lab.said("at nowhere with nothing").await;
}

#[actix_web::test]
async fn a_run_has_the_jobs_variables_and_says_what_its_command_says() {
    let Some(lab) = Lab::saying("echo \"$WORD and $SECRET\"").await else { return };
    lab.set_env("WORD", "word$", false).await;
    lab.set_env("SECRET", "other", true).await;
    lab.set_env("SECRET", "hush", true).await;
    let run = lab.trigger().await;
    assert!(run.starts_with(&format!("{}-manual-job-", lab.world.name)), "{run}");
    lab.until_first("succeeded", "").await;
    lab.said("word$ and hush").await;
    assert_eq!(lab.one("cronjobs", "{.spec.suspend}"), "true");
    assert!(!lab.kubectl(&["get", "cronjobs,jobs,pods", "-o", "yaml"]).contains("hush"));
}

#[actix_web::test]
async fn a_job_is_triggered_once_a_minute() {
    let Some(lab) = Lab::saying("sleep 1").await else { return };
    let refusal = "already exists (cronjobs can only be triggered once per minute)";
    let admin = lab.world.server.admin().await;
    // Of three calls in a row, two are within a minute.
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(admin.post(&lab.path("/trigger")).send().await.text);
    }
    let refused = texts.iter().filter(|text| text.contains(refusal)).count();
    assert!((1..=2).contains(&refused), "{texts:?}");
}

#[actix_web::test]
async fn runs_of_the_schedule_are_seen_also_after_the_labels_changed() {
    let Some(lab) = Lab::with("echo done", json!({"schedule": "0 3 1 1 *"}), Update::set("spec.backofflimit", 0)).await else { return };
    lab.begin("one");
    lab.until_first("succeeded", "").await;
    lab.update(json!({"tags": ["changed"], "plan": "c0.1m0.2"})).await;
    lab.begin("two");
    lab.until("both runs are seen", |units| units.len() == 2 && units.iter().all(|unit| unit["Status"] == "succeeded")).await;
    assert_eq!((&lab.units().await[0]["ID"], &lab.units().await[1]["ID"]), (&json!("one"), &json!("two")));
}

#[actix_web::test]
async fn a_run_that_fails_or_takes_too_long_says_why() {
    let Some(lab) = Lab::saying("exit 3").await else { return };
    lab.trigger().await;
    lab.until_first("error", "BackoffLimitExceeded").await;
    let Some(lab) = Lab::with("sleep 60", json!({"manual": true, "activeDeadlineSeconds": 1}), Update::set("spec.backofflimit", 0)).await
    else {
        return;
    };
    lab.trigger().await;
    lab.until_first("error", "DeadlineExceeded").await;
}

#[actix_web::test]
async fn a_killed_run_is_gone_with_its_pods() {
    let Some(lab) = Lab::saying("trap '' TERM; echo here; sleep 60").await else { return };
    let run = lab.trigger().await;
    lab.said("here").await;
    let admin = lab.world.server.admin().await;
    admin.delete(&lab.path("/units/none")).send().await.fails(404, "unit \"none\" not found");
    admin.delete(&lab.path(&format!("/units/{run}?force=true"))).send().await.ok(200);
    lab.until("it is gone", <[Value]>::is_empty).await;
    let pods = async || lab.kubectl(&["get", "pods", "-o", "name"]).is_empty();
    eventually("its pods are gone", PATIENCE, pods).await;
}

#[actix_web::test]
async fn lines_are_followed_as_they_come() {
    let Some(lab) = Lab::saying("echo begins; sleep 2; echo goes on; sleep 60").await else { return };
    let (provisioner, key) = lab.provisioner().await;
    let query = LogQuery { lines: 10, follow: true, ..LogQuery::default() };
    let mut lines = provisioner.job_logs(&key, query).await.unwrap().map(|line| line.message);
    let run = lab.trigger().await;
    let mut next = async || tokio::time::timeout(PATIENCE, lines.next()).await.unwrap().unwrap();
    assert!(next().await.starts_with(&format!("Starting to watch new unit: {run}-")));
    assert_eq!((next().await, next().await), ("begins".into(), "goes on".into()));
}

#[actix_web::test]
async fn what_did_not_change_is_not_written() {
    let Some(lab) = Lab::saying("true").await else { return };
    lab.set_env("SECRET", "hush", true).await;
    let before = lab.versions();
    assert_eq!(before.lines().count(), 3, "{before}");
    lab.update(json!({"description": "other words"})).await;
    assert_eq!(lab.versions(), before);
    lab.update(json!({"tags": ["a=b"]})).await;
    let changed = lab.versions();
    let same = |kind: &str| before.lines().find(|line| line.starts_with(kind)) == changed.lines().find(|line| line.starts_with(kind));
    assert_eq!([same("CronJob"), same("Secret"), same("ServiceAccount")], [false, true, true], "{before}{changed}");
}

#[actix_web::test]
async fn a_new_schedule_keeps_the_secret_and_the_runs_that_go_on() {
    let Some(lab) = Lab::with("echo here; sleep 60", json!({"schedule": "0 3 1 1 *"}), Update::set("spec.backofflimit", 0)).await else {
        return;
    };
    let first = lab.one("cronjobs", "{.metadata.name}");
    lab.begin("goes-on");
    lab.said("here").await;
    lab.update(json!({"schedule": "0 4 1 1 *"})).await;
    // There and back: the first one may be on its way out still.
    lab.update(json!({"schedule": "0 3 1 1 *"})).await;
    let crons = || lab.kubectl(&["get", "cronjobs", "-o", "jsonpath={.items[*].metadata.name}"]);
    eventually("one cron job is left", PATIENCE, async || crons() == first).await;
    assert_eq!(lab.one("secrets", "{.metadata.ownerReferences[*].uid}"), lab.one("cronjobs", "{.metadata.uid}"));
    assert_eq!(lab.units().await[0]["Status"], "started");
    assert!(!lab.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].status.phase}"]).contains("Failed"));
}

#[actix_web::test]
async fn a_secret_whose_cron_job_was_deleted_by_hand_is_given_to_the_next_one() {
    let Some(lab) = Lab::saying("true").await else { return };
    let old = lab.one("cronjobs", "{.metadata.uid}");
    lab.kubectl(&["delete", "cronjobs", "--all", "--cascade=orphan"]);
    lab.update(json!({"description": "again"})).await;
    let new = lab.one("cronjobs", "{.metadata.uid}");
    assert_ne!(new, old);
    assert_eq!(lab.one("secrets", "{.metadata.ownerReferences[*].uid}"), new);
}

#[actix_web::test]
async fn the_end_of_a_run_is_an_event_once_whoever_sees_it() {
    let Some(lab) = Lab::saying("exit 1").await else { return };
    let ctx = &lab.world.server.ctx;
    let other = crate::api::harness::Server::on(ctx.store.clone()).await;
    impaas::cluster::know::refresh(&other.ctx).await.unwrap();
    let noting = [ctx, &other.ctx].map(|ctx| tokio::spawn(job::keep_notes(ctx.clone())));
    let run = lab.trigger().await;
    eventually("its end is noted", PATIENCE, async || !lab.events().await.is_empty()).await;
    // One that comes later sees the run as both did, and says when it is done with it.
    let late = crate::api::harness::Server::on(ctx.store.clone()).await;
    impaas::cluster::know::refresh(&late.ctx).await.unwrap();
    let (_, ends) = late.ctx.provisioners.ended_jobs().await;
    assert_eq!(ends.iter().filter(|end| end.unit == run).count(), 1, "{ends:?}");
    let late_noting = tokio::spawn(job::keep_notes(late.ctx.clone()));
    let is_done = async || {
        let left = tokio::time::timeout(Duration::from_millis(10), late.ctx.provisioners.ended_jobs()).await;
        left.is_err()
    };
    eventually("it is done with it", PATIENCE, is_done).await;
    noting.iter().chain([&late_noting]).for_each(|task| task.abort());
    let events = lab.events().await;
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.error, "job failed: Job has reached the specified backoff limit");
    assert_eq!((event.target.value.as_str(), event.running), (lab.world.name.as_str(), false));
    let data = serde_json::to_value(event.end_data.clone().unwrap()).unwrap();
    assert_eq!((&data["job-name"], &data["event-reason"]), (&json!(run), &json!("BackoffLimitExceeded")));
    assert_eq!(data["job-controller"], lab.one("cronjobs", "{.metadata.name}").as_str());
}

#[actix_web::test]
async fn while_tsurus_server_leads_it_notes_the_ends() {
    let Some(lab) = Lab::saying("true").await else { return };
    let in_an_hour = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let in_an_hour = in_an_hour.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let held = json!({"holderIdentity": "tsurud", "leaseDurationSeconds": 15, "renewTime": in_an_hour});
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "tsuru-controller"}, "spec": held});
    lab.world.apply(&[lease]);
    let noting = tokio::spawn(job::keep_notes(lab.world.server.ctx.clone()));
    lab.begin("theirs");
    lab.until_first("succeeded", "").await;
    let passed = || lab.world.server.ctx.provisioners.ended_jobs();
    eventually("the first run is passed over", PATIENCE, async || tokio::time::timeout(Duration::from_secs(2), passed()).await.is_err())
        .await;
    lab.kubectl(&["delete", "lease", "tsuru-controller"]);
    lab.begin("ours");
    eventually("the second run is noted", PATIENCE, async || !lab.events().await.is_empty()).await;
    noting.abort();
    let events = lab.events().await;
    let of: Vec<_> = events.iter().map(|event| serde_json::to_value(&event.end_data).unwrap()["job-name"].clone()).collect();
    assert_eq!(of, ["ours"]);
}

#[actix_web::test]
async fn a_removed_job_leaves_nothing() {
    let Some(lab) = Lab::saying("sleep 60").await else { return };
    lab.set_env("SECRET", "hush", true).await;
    lab.trigger().await;
    lab.world.server.admin().await.delete(&lab.path("")).send().await.ok(200);
    let of_job = format!("tsuru.io/job-name={}", lab.world.name);
    let left = || lab.kubectl(&["get", "cronjobs,jobs,secrets,serviceaccounts", "-l", &of_job, "-o", "name"]);
    eventually("nothing is left", PATIENCE, async || left().is_empty()).await;
}

#[actix_web::test]
async fn plans_are_limits_and_the_spec_is_passed_on() {
    let spec = Update::set("spec.backofflimit", 2).and_set("spec.parallelism", 3).and_set("spec.completions", 4);
    let said = json!({"schedule": "0 3 1 1 *", "activeDeadlineSeconds": 90, "concurrencyPolicy": "Forbid", "plan": "c0.1m0.2"});
    let Some(lab) = Lab::with("true", said, spec).await else { return };
    let spec = lab.one("cronjobs", "{.spec.concurrencyPolicy} {.spec.suspend}");
    assert_eq!(spec, "Forbid false");
    let run = "{.spec.jobTemplate.spec['backoffLimit','parallelism','completions','activeDeadlineSeconds','ttlSecondsAfterFinished']}";
    assert_eq!(lab.one("cronjobs", run), "2 3 4 90 86400");
    let limits = "{.spec.jobTemplate.spec.template.spec.containers[0].resources.limits['cpu','memory']}";
    assert_eq!(lab.one("cronjobs", limits), "100m 256Mi");
}

#[actix_web::test]
async fn a_missing_namespace_is_made() {
    let Some(world) = World::new().await else { return };
    world.real.kubectl(&["delete", "namespace", &world.name]);
    let Some(lab) = Lab::of(world, "true", json!({"manual": true}), Update::set("spec.backofflimit", 0)).await else { return };
    assert_eq!(lab.one("cronjobs", "{.metadata.labels.tsuru\\.io/job-name}"), lab.world.name);
}
