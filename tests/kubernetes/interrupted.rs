//! A server that dies in a deploy, at every place where others see what it did: the next one brings the deploy to an end, soon.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{Real, build::entry};
use crate::{
    build::{buildkit, service::Service},
    server::{PATIENCE, Server, archive, eventually},
    store::say,
};

/// How long the next server may take.
const SOON: Duration = Duration::from_secs(30);
/// Runs for ever, and serves nothing.
const IMAGE: &str = "FROM 127.0.0.1:5000/base/busybox:latest\nCMD [\"sleep\", \"1000000\"]\n";

const SETTINGS: &str = "
outgoing: {allow-private: true}
routers: {edge: {type: ingress, domain: cut.test, class: traefik}}
";

/// A server of its own process, with an app in the cluster.
struct Yard {
    server: Server,
    real: Real,
    name: String,
    /// Its app of this moment.
    app: String,
    service: Service,
    /// Each start reads them.
    _settings: NamedTempFile,
}

impl Yard {
    async fn new(called: &str) -> Option<Self> {
        let real = Real::here()?;
        let name = format!("cut-{called}-{}", std::process::id());
        real.kubectl(&["create", "namespace", &name]);
        let service = Service::start(buildkit::work()).await;
        let settings = NamedTempFile::new().unwrap();
        std::fs::write(settings.path(), SETTINGS).unwrap();
        let server = Server::start_with(&["--config", settings.path().to_str().unwrap()]).await;
        let mut yard = Self { server, real, app: name.clone(), name, service, _settings: settings };
        yard.enter().await;
        yard.make(yard.name.clone()).await;
        Some(yard)
    }

    async fn enter(&self) {
        let pool = json!({"name": "kube", "provisioner": "kubernetes", "public": true});
        self.post("/1.0/pools", &pool).await;
        self.post("/1.3/provisioner/clusters", &entry(&self.real, &self.name, &self.service)).await;
    }

    /// From now on it is about another app, a new one.
    async fn make(&mut self, app: String) {
        let asked = json!({"name": app, "teamOwner": "demo", "pool": "kube"});
        eventually("the app is made", PATIENCE, async || self.tried("/1.0/apps", &asked).await.0 == 201).await;
        self.app = app;
    }

    async fn tried(&self, path: &str, body: &Value) -> (u16, String) {
        self.server.send(self.server.request(Method::POST, path).json(body)).await
    }

    async fn post(&self, path: &str, body: &Value) {
        let (status, text) = self.tried(path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {text}");
    }

    /// Deploys; `None` when the server died on the way.
    async fn deploy(&self) -> Option<String> {
        let path = format!("/1.0/apps/{}/deploy", self.app);
        let fields = [("dockerfile", IMAGE), ("origin", "app-deploy")];
        let (kind, body) = archive::multipart(&fields, &archive::of_files(&[("a-file", "")]));
        let request = self.server.request(Method::POST, &path).header("Content-Type", kind).body(body);
        let answer = request.send().await.ok()?;
        let (status, text) = crate::server::read(answer).await;
        assert_eq!(status, 200, "{text}");
        (!text.contains("[the answer broke off")).then_some(text)
    }

    /// The same by a server that dies at this place; false when it never came there.
    async fn cut_at(&mut self, place: &str) -> bool {
        self.server.kill();
        self.server.start_again_with(&[(impaas::failpoint::VARIABLE, place)]).await;
        let Some(text) = self.deploy().await else {
            self.server.wait_for_death().await;
            return true;
        };
        assert!(text.ends_with("\nOK\n"), "{place}: {text}");
        false
    }

    /// So many deploys were brought to their ends, nothing goes on, and one version runs whole.
    async fn is_at_an_end(&self, recoveries: usize) -> bool {
        let ended = self.recoveries().await;
        if ended.len() != recoveries || ended.iter().any(|event| event["Running"] == true) {
            return false;
        }
        assert!(ended.iter().all(|event| event["Error"] == ""), "{ended:?}");
        let info = self.server.json(&format!("/1.0/apps/{}", self.app)).await;
        let units = info["units"].as_array().map_or(0, Vec::len);
        units == 1 && self.real.runs_whole(&self.name, &self.app).is_some()
    }

    async fn recoveries(&self) -> Vec<Value> {
        let events = self.server.json("/1.1/events?kindname=app.update.restart&limit=100").await;
        events.as_array().cloned().unwrap_or_default()
    }

    /// Starts the next server; how long it took.
    async fn ends(&mut self, place: &str, recoveries: usize) -> Duration {
        let begun = Instant::now();
        self.server.start_again().await;
        let what = format!("a deploy that was cut at {place} is at an end");
        eventually(&what, PATIENCE, async || self.is_at_an_end(recoveries).await).await;
        begun.elapsed()
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        self.real.read(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

/// All of them; what each took is told.
fn were_soon(times: &[Duration]) {
    say(&format!("Kubernetes: the next server brought deploys to their ends within {times:.0?}"));
    assert!(times.iter().all(|time| *time < SOON), "{times:.0?}");
}

#[tokio::test]
async fn a_deploy_that_is_cut_at_any_place_is_brought_to_its_end() {
    let Some(mut yard) = Yard::new("place").await else { return };
    assert!(yard.deploy().await.unwrap().ends_with("\nOK\n"));
    let mut times = Vec::new();
    for place in impaas::failpoint::ALL {
        if yard.cut_at(place).await {
            times.push(yard.ends(place, times.len() + 1).await);
        } else {
            assert!(NOT_HERE.contains(&place), "a deploy does not come by {place}");
        }
    }
    assert!(yard.deploy().await.unwrap().ends_with("\nOK\n"));
    were_soon(&times);
}

/// Where a deploy of this app does not come by: it replaces what is there.
const NOT_HERE: [&str; 1] = ["cluster:removed"];

#[tokio::test]
async fn a_first_deploy_that_is_cut_after_any_of_its_writes_is_brought_to_its_end() {
    let Some(mut yard) = Yard::new("write").await else { return };
    let mut times = Vec::new();
    while yard.cut_at(&format!("cluster:written#{}", times.len() + 1)).await {
        let writes = times.len() + 1;
        times.push(yard.ends(&format!("write {writes}"), writes).await);
        assert!(writes < 20, "a deploy writes without end");
        yard.make(format!("{}-{writes}", yard.name)).await;
    }
    assert!(times.len() >= 6, "only {} writes", times.len());
    were_soon(&times);
}
