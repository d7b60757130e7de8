//! Deploys that fail late or are cancelled, through the API: what was before serves again, and nothing of them is left.

use impaas::{app::version::AppVersions, event::Event, store::Filter};
use serde_json::{Value, json};

use super::{
    PATIENCE, World,
    build::{Yard, answer, ended_well},
    running::started,
};
use crate::server::{archive, eventually};

/// All units run and one does not get well: that is known soon.
const SOON: &str = "docker:\n  healthcheck:\n    max-time: 10\n";
const PROCFILE: &str = "web: httpd -f -p 8888 -h /app\nworker: sleep 1000000\n";
/// The last process is never well.
const ILL: &str = "processes:
- name: web
  command: httpd -f -p 8888 -h /app
- name: worker
  command: sleep 1000000
  healthcheck:
    command: [\"false\"]
    interval_seconds: 1
    timeout_seconds: 5
";

impl Yard {
    async fn with_settings(settings: &str) -> Option<Self> {
        let yard = Self::of(World::with_settings(settings).await?).await;
        yard.world.make_app().await;
        Some(yard)
    }

    /// Everything that deploys write, without what a cluster notes in it.
    fn written(&self) -> Value {
        let kinds = ["deployments", "services", "secrets", "poddisruptionbudgets", "serviceaccounts", "apps.tsuru.io"];
        let said = |object: &Value| {
            let (meta, mut spec) = (&object["metadata"], object["spec"].clone());
            spec.as_object_mut().map(|spec| spec.remove("clusterIPs"));
            let mut annotations = meta["annotations"].clone();
            annotations.as_object_mut().map(|all| all.remove("deployment.kubernetes.io/revision"));
            json!([meta["name"], meta["labels"], annotations, spec, object["data"]])
        };
        kinds.iter().map(|kind| self.world.objects(kind).iter().map(said).collect::<Vec<_>>()).collect::<Vec<_>>().into()
    }

    async fn versions(&self) -> Vec<String> {
        let known = AppVersions::load(&self.world.server.ctx.store, &self.world.name).await.unwrap();
        known.versions.into_keys().collect()
    }

    /// The first version serves as it did; nothing of a later one is left, and the app can be deployed.
    async fn is_as_before(&self, before: &Value) {
        assert_eq!(self.written(), *before);
        let mut tags = self.tags().await;
        // It goes with what was built last.
        tags.retain(|tag| tag != "latest");
        assert_eq!((self.versions().await, tags), (vec!["1".to_owned()], vec!["v1".to_owned()]));
        let info = self.world.until("the units are those of the first version", |info| started(info) == 2).await;
        let web = info["units"].as_array().unwrap().iter().find(|unit| unit["ProcessName"] == "web").unwrap();
        assert_eq!(web["Version"], 1);
        assert_eq!(answer(&format!("http://{}:8888/", web["InternalIP"].as_str().unwrap())).await, "first");
        let events = self.world.server.ctx.store.of::<Event>();
        eventually("nothing runs any more", PATIENCE, async || events.count(Filter::eq("running", true)).await.unwrap() == 0).await;
    }

    /// Cancels what runs, through the API.
    async fn cancel(&self) {
        let running = self.world.server.ctx.store.of::<Event>().get(Filter::eq("running", true)).await.unwrap().unwrap();
        let path = format!("/1.1/events/{}/cancel", running.id.to_hex());
        self.world.server.admin().await.post(&path).form(&[("reason", "enough")]).send().await.ok(204);
    }
}

#[actix_web::test]
async fn a_deploy_whose_last_process_fails_leaves_everything_as_it_was() {
    let Some(yard) = Yard::with_settings(SOON).await else { return };
    yard.serves("first", &[]).await;
    let before = yard.written();
    let failed = yard.deploys_files(&[], &[("index.html", "second"), ("tsuru.yaml", ILL)]).await;
    assert!(failed.text.contains(" ---> All units ready") && failed.text.contains("---- ERROR during deploy: ----\n"), "{}", failed.text);
    assert!(failed.text.contains("---- Updating units [web] [version 1] ----"), "{}", failed.text);
    yard.is_as_before(&before).await;
    yard.serves("third", &[]).await;
    assert_eq!(yard.versions().await, ["1", "3"]);
}

#[actix_web::test]
async fn a_cancelled_build_and_a_cancelled_rollout_leave_everything_as_it_was() {
    let Some(yard) = Yard::with_settings("").await else { return };
    let keeper = tokio::spawn(yard.world.server.ctx.events.clone().keep());
    yard.serves("first", &[]).await;
    let before = yard.written();
    let slow = "FROM 127.0.0.1:5000/base/python:latest\nRUN echo it begins; sleep 600\n";
    let (kind, body) = archive::multipart(&[("dockerfile", slow)], &archive::of_files(&[("a", "b")]));
    let admin = yard.world.server.admin().await;
    let path = format!("/1.0/apps/{}/deploy", yard.world.name);
    let building = async {
        eventually("it is built", PATIENCE, async || yard.service.requests.lock().unwrap().len() == 2).await;
        yard.cancel().await;
    };
    let (reply, ()) = tokio::join!(admin.post(&path).body(&kind, body).send(), building);
    assert!(reply.text.ends_with("canceled by user request\n"), "{}", reply.text);
    yard.is_as_before(&before).await;
    let units = ["web", "worker"].map(|process| yard.world.named(process));
    let rolling = async {
        // The one that is never well is the second: the first is done by then.
        let updated =
            |name: &str| yard.world.object("deployment", name)["spec"]["template"]["metadata"]["labels"]["tsuru.io/app-version"] == "3";
        eventually("it is rolled out", PATIENCE, async || units.iter().all(|name| updated(name))).await;
        yard.cancel().await;
    };
    let (reply, ()) =
        tokio::join!(yard.deploys_files(&[], &[("index.html", "second"), ("Procfile", PROCFILE), ("tsuru.yaml", ILL)]), rolling);
    assert!(reply.text.ends_with("canceled by user request\n"), "{}", reply.text);
    yard.is_as_before(&before).await;
    let deploys = admin.get(&format!("/1.0/deploys?app={}", yard.world.name)).send().await.ok(200).json();
    let errors: Vec<&Value> = deploys.as_array().unwrap().iter().map(|deploy| &deploy["Error"]).collect();
    assert_eq!(errors, ["canceled by user request", "canceled by user request", ""]);
    ended_well(&yard.deploys_files(&[], &[("index.html", "last"), ("Procfile", PROCFILE)]).await);
    keeper.abort();
}
