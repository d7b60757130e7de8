//! Servers that die in deploys, at every place where others see what they did, or are held up there for longer than their locks hold:
//! another one that runs brings the deploys to their ends.

use std::time::Instant;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{PATIENCE, Real, build::entry};
use crate::{
    build::{buildkit, service::Service},
    replicas::{Replicas, event_of},
    server::{Server, archive, eventually, processes, read},
    store::{mongodb_url, say},
};

/// Runs until it is told to end, and says so.
const IMAGE: &str =
    "FROM 127.0.0.1:5000/base/busybox:latest\nCMD [\"sh\", \"-c\", \"trap exit TERM; while true; do echo alive; sleep 1; done\"]\n";
/// Ends at once, each time.
const ENDS: &str = "FROM 127.0.0.1:5000/base/busybox:latest\nCMD [\"false\"]\n";
const SETTINGS: &str = "
outgoing: {allow-private: true}
routers: {edge: {type: ingress, domain: taken.test, class: traefik}}
";
/// Where a deploy of a new version does not come by.
const NOT_HERE: [&str; 1] = ["cluster:removed"];
/// Who dies here has not begun to roll out: what ran before goes on.
const BEFORE: [&str; 3] = ["deploy:noted", "deploy:version-made", "deploy:built"];
/// Where servers are held up: before and after the first write of a rollout, and after the last one.
const HELD: [&str; 4] = ["deploy:built", "cluster:before-write", "cluster:written", "rollout:applied"];

/// Servers whose pool is in the cluster.
struct Yard {
    replicas: Replicas,
    real: Real,
    name: String,
    service: Service,
}

impl Yard {
    /// `None` where there is no cluster, or no MongoDB.
    async fn new(called: &str, servers: usize) -> Option<Self> {
        mongodb_url()?;
        let real = Real::here()?;
        let name = format!("{called}-{}", std::process::id());
        real.kubectl(&["create", "namespace", &name]);
        let service = Service::start(buildkit::work()).await;
        let replicas = Replicas::start(servers, SETTINGS).await?;
        let yard = Self { replicas, real, name, service };
        let pool = json!({"name": "kube", "provisioner": "kubernetes", "public": true});
        yard.post("/1.0/pools", &pool).await;
        yard.post("/1.3/provisioner/clusters", &yard.cluster()).await;
        Some(yard)
    }

    fn cluster(&self) -> Value {
        entry(&self.real, &self.name, &self.service)
    }

    async fn post(&self, path: &str, body: &Value) {
        let server = &self.replicas.all[0];
        let (status, text) = server.send(server.request(Method::POST, path).json(body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {text}");
    }

    async fn make(&self, app: &str) {
        self.post("/1.0/apps", &json!({"name": app, "teamOwner": "demo", "pool": "kube"})).await;
    }

    /// Brought to its end by this server: one recovery, which went well, and nothing goes on.
    async fn is_settled(&self, server: &Server, app: &str, version: u32) -> bool {
        let events = server.json(&format!("/1.1/events?target.type=app&target.value={app}&limit=20")).await;
        let events = events.as_array().cloned().unwrap_or_default();
        let recoveries: Vec<&Value> = events.iter().filter(|event| event["Owner"]["Name"] == "recovery").collect();
        if recoveries.is_empty() || events.iter().any(|event| event["Running"] == true) {
            return false;
        }
        assert_eq!(recoveries.len(), 1, "{recoveries:?}");
        assert_eq!(recoveries[0]["Error"], "", "{recoveries:?}");
        self.real.runs_whole(&self.name, app).is_some_and(|image| image.ends_with(&format!(":v{version}")))
            && server.json(&format!("/1.0/apps/{app}")).await["units"].as_array().is_some_and(|all| all.len() == 1)
    }

    /// What deploys write of an app, with what says that it was written.
    fn written(&self, app: &str) -> Value {
        let of_app = format!("tsuru.io/app-name={app}");
        let listed = self.real.kubectl(&["get", "deployments,services,secrets,pdb,sa", "-n", &self.name, "-l", &of_app, "-o", "json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let said = |object: &Value| {
            let meta = &object["metadata"];
            json!([object["kind"], meta["name"], meta["uid"], meta["generation"], meta["labels"], object["data"], object["spec"]])
        };
        listed["items"].as_array().unwrap().iter().map(said).collect::<Vec<_>>().into()
    }

    /// The versions that were deployed are these, none is half made, and the app can be changed.
    async fn is_whole(&self, app: &str, version: u32) {
        let all = self.replicas.stored("app_versions").await;
        let of_app = all.iter().find(|versions| versions.get_str("appname").is_ok_and(|name| name == app)).unwrap();
        let versions = of_app.get_document("versions").unwrap();
        let numbers: Vec<&String> = versions.keys().collect();
        assert_eq!(numbers.len(), version as usize, "{app}: {numbers:?}");
        for (number, made) in versions {
            assert!(made.as_document().unwrap().get_bool("deploysuccessful").unwrap(), "{app}: {number} {made}");
        }
        let info = self.replicas.all[0].json(&format!("/1.0/apps/{app}")).await;
        assert_eq!(info["deploys"], version, "{app}: every deploy counts once");
        let form = [("Envs.0.Name", "AFTER"), ("Envs.0.Value", "it"), ("NoRestart", "true")];
        self.replicas.all[0].form(Method::POST, &format!("/1.0/apps/{app}/env"), &form).await;
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for what in ["all", "events"] {
                say(&self.real.read(&["get", what, "-n", &self.name, "-o", "wide"]));
            }
        }
        self.real.read(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

/// Deploys; what was said until the end, or until the server died.
async fn deploy(server: &Server, app: &str, dockerfile: &str) -> String {
    let path = format!("/1.0/apps/{app}/deploy");
    let fields = [("dockerfile", dockerfile), ("origin", "app-deploy")];
    let (kind, body) = archive::multipart(&fields, &archive::of_files(&[("a-file", "")]));
    let request = server.request(Method::POST, &path).header("Content-Type", kind).body(body);
    match request.send().await {
        Ok(answer) => read(answer).await.1,
        Err(_) => String::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deploys_of_servers_that_die_at_any_place_are_brought_to_their_ends_by_one_that_runs() {
    let Some(yard) = Yard::new("taken", 1).await else { return };
    let survivor = &yard.replicas.all[0];
    let places: Vec<&str> = impaas::failpoint::ALL.into_iter().filter(|place| !NOT_HERE.contains(place)).collect();
    let apps: Vec<String> = (0..places.len()).map(|at| format!("{}-{at}", yard.name)).collect();
    let first = apps.iter().map(async |app| {
        yard.make(app).await;
        assert!(deploy(survivor, app, IMAGE).await.ends_with("\nOK\n"), "the first deploy of {app}");
    });
    join_all(first).await;
    let taken = places.iter().zip(&apps).map(async |(place, app)| {
        let mut victim = yard.replicas.another();
        victim.start_again_with(&[(impaas::failpoint::VARIABLE, place)]).await;
        let said = deploy(&victim, app, IMAGE).await;
        assert!(!said.ends_with("\nOK\n"), "a deploy does not come by {place}: {said}");
        victim.wait_for_death().await;
        let died = Instant::now();
        let version = if BEFORE.contains(place) { 1 } else { 2 };
        let what = format!("a deploy that was cut at {place} is brought to its end");
        eventually(&what, PATIENCE, async || yard.is_settled(survivor, app, version).await).await;
        yard.is_whole(app, version).await;
        format!("{place} {:.0} s", died.elapsed().as_secs_f64())
    });
    let taken = join_all(taken).await;
    say(&format!("Replicas: another server brought deploys to their ends, cut at {}", taken.join(", ")));
    eventually("no note is left", PATIENCE, async || yard.replicas.stored("app_intents").await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_were_held_up_while_another_one_took_their_deploys_over_undo_and_change_nothing() {
    let Some(yard) = Yard::new("held", 1).await else { return };
    let survivor = &yard.replicas.all[0];
    let held = HELD.iter().enumerate().map(async |(at, place)| {
        let app = format!("{}-{at}", yard.name);
        yard.make(&app).await;
        assert!(deploy(survivor, &app, IMAGE).await.ends_with("\nOK\n"), "the first deploy of {app}");
        let mut victim = yard.replicas.another();
        victim.start_again_with(&[(impaas::failpoint::VARIABLE, &format!("hold:{place}"))]).await;
        let version = if BEFORE.contains(place) { 1 } else { 2 };
        let taken = async {
            let what = format!("a deploy that is held up at {place} is brought to its end");
            eventually(&what, PATIENCE, async || yard.is_settled(survivor, &app, version).await).await;
            let written = yard.written(&app);
            processes::let_go_on(&victim.data());
            written
        };
        let (said, written) = tokio::join!(deploy(&victim, &app, IMAGE), taken);
        assert!(said.contains("the lock of this event was lost"), "{place}: {said}");
        assert_eq!(yard.written(&app), written, "{place}");
        assert!(yard.is_settled(survivor, &app, version).await, "{place}");
        yard.is_whole(&app, version).await;
    });
    join_all(held).await;
    assert!(yard.replicas.stored("app_intents").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_does_in_a_cluster_is_seen_and_stopped_at_another() {
    let Some(yard) = Yard::new("seen", 2).await else { return };
    let [one, other] = &yard.replicas.all[..] else { panic!("there are two") };
    let app = format!("{}-a", yard.name);
    yard.make(&app).await;
    assert!(deploy(one, &app, IMAGE).await.ends_with("\nOK\n"));
    let info = format!("/1.0/apps/{app}");
    let units = async |count: usize| {
        let units = other.json(&info).await["units"].clone();
        units.as_array().is_some_and(|all| all.len() == count && all.iter().all(|unit| unit["Status"] == "started"))
    };
    eventually("the other server shows the unit", PATIENCE, async || units(1).await).await;
    let mut log = other.request(Method::GET, &format!("/1.0/apps/{app}/log?lines=1&follow=true")).send().await.unwrap();
    let mut lines = String::new();
    while lines.matches("alive").count() < 3 {
        lines.push_str(&String::from_utf8_lossy(&log.chunk().await.unwrap().expect("the log goes on")));
    }
    one.form(Method::PUT, &format!("{info}/units"), &[("units", "1"), ("process", "web")]).await;
    eventually("the other server shows both units", PATIENCE, async || units(2).await).await;
    is_cancelled_at_the_other(&yard, &app).await;
    // A cluster that cannot be reached any more, and can again.
    let mut moved = yard.cluster();
    moved["addresses"] = json!(["https://127.0.0.1:1"]);
    put_cluster(one, &moved).await;
    eventually("the other server knows", PATIENCE, async || !other.json(&info).await["error"].is_null()).await;
    put_cluster(one, &yard.cluster()).await;
    eventually("the other server shows both units again", PATIENCE, async || units(2).await).await;
}

async fn is_cancelled_at_the_other(yard: &Yard, app: &str) {
    let [one, other] = &yard.replicas.all[..] else { panic!("there are two") };
    let cancel = async {
        let of_app = format!("tsuru.io/app-name={app}");
        let pods = || yard.real.kubectl(&["get", "pods", "-n", &yard.name, "-l", &of_app, "-o", "name"]).lines().count();
        let is_seen = async || pods() > 2 && event_of(other, app).await.is_some();
        eventually("the deploy waits for its units", PATIENCE, is_seen).await;
        let event = event_of(other, app).await.unwrap();
        other.form(Method::POST, &format!("/1.1/events/{event}/cancel"), &[("reason", "it never gets ready")]).await;
    };
    let (said, ()) = tokio::join!(deploy(one, app, ENDS), cancel);
    assert!(said.contains("canceled by user request"), "{said}");
}

async fn put_cluster(server: &Server, cluster: &Value) {
    let request = server.request(Method::POST, "/1.4/provisioner/clusters/real").json(cluster);
    let (status, text) = server.send(request).await;
    assert_eq!(status, 200, "{text}");
}
