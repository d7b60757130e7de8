//! Against a real cluster, where `IMPAAS_KUBECONFIG` and `IMPAAS_KUBECTL` name one: `cargo xtask test` starts it. Each test has a
//! namespace, a pool and a cluster document of its own; when it fails, it prints what is in its namespace.

mod adoption;
mod build;
mod certificates;
mod clusters;
mod commands;
mod crowd;
mod faults;
mod google;
mod interrupted;
mod isolation;
mod jobs;
mod logs;
mod proxy;
mod pulls;
mod rollout;
mod routing;
mod running;
mod scaling;
mod shell;
mod steps;
mod takeover;
mod undone;
mod versions;
mod volumes;

use std::{
    cell::RefCell,
    env,
    io::Write,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bson::{doc, oid::ObjectId};
use impaas::{
    app::version::AppVersions,
    pool::Pool,
    provisioner::{DynProvisioner, absent::Absent},
};
use serde_json::{Value, json};

use crate::{
    api::harness::{Caller, Server},
    server::eventually,
    store::say,
};

/// How long the cluster may take for anything.
const PATIENCE: Duration = Duration::from_secs(180);

/// The servers' own: plans of volumes among them, and the one router of the apps, which writes ingresses.
const SETTINGS: &str = "
outgoing:
  allow-private: true
routers:
  edge: {type: ingress, domain: apps.test, class: traefik}
volume-plans:
  host: {kubernetes: {plugin: hostPath, capacity: 64Mi, access-modes: ReadWriteMany}}
  disk: {kubernetes: {storage-class: local-path, access-modes: ReadWriteOnce}}
  memory: {kubernetes: {plugin: emptyDir}}
  scratch: {kubernetes: {plugin: ephemeral, storage-class: local-path, capacity: 1Mi, access-modes: ReadWriteOnce}}
  wrong: {kubernetes: {plugin: nfs, storage-class: local-path}}
";

/// A server with a pool in the cluster.
pub struct World {
    pub server: Server,
    pub real: Real,
    /// Its namespace, and the name of its app: a cluster is watched in all namespaces.
    pub name: String,
    /// Where its API is, as clusters are entered.
    pub address: String,
}

impl World {
    /// `None` where there is no cluster.
    pub async fn new() -> Option<Self> {
        Self::with_settings("").await
    }

    /// The same, with these settings besides.
    pub async fn with_settings(settings: &str) -> Option<Self> {
        let real = Real::here()?;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        real.kubectl(&["create", "namespace", &name]);
        let server = Server::with_settings(Arc::new(Absent), &format!("{SETTINGS}{settings}")).await;
        let address = real.server().to_owned();
        let world = Self { server, real, name, address };
        let admin = world.server.admin().await;
        admin.post("/1.0/pools").json(&json!({"name": "kube", "provisioner": "kubernetes", "public": true})).send().await.ok(201);
        Some(world)
    }

    /// The same, with the cluster entered by address, authority and token, and an app.
    pub async fn with_app() -> Option<Self> {
        let world = Self::new().await?;
        world.enter("real", world.by_token()).await;
        world.make_app().await;
        Some(world)
    }

    /// Makes the app.
    pub async fn make_app(&self) {
        let app = json!({"name": self.name, "teamOwner": "demo", "pool": "kube"});
        self.server.admin().await.post("/1.0/apps").json(&app).send().await.ok(201);
    }

    /// Notes a first version of the app with this image, as a deploy does.
    pub async fn deployed(&self, image: &str) {
        let version = doc! {"version": 1, "deployimage": image, "processes": {"web": ["httpd"]}, "deploysuccessful": true};
        let all = doc! {"_id": ObjectId::new(), "appname": &self.name, "count": 1, "lastsuccessfulversion": 1, "versions": {"1": version}};
        let all: AppVersions = bson::deserialize_from_document(all).unwrap();
        self.server.ctx.store.of::<AppVersions>().insert(&all).await.unwrap();
    }

    /// What runs the app.
    pub async fn provisioner(&self) -> DynProvisioner {
        let pool = Pool::load(&self.server.ctx.store, "kube").await.unwrap();
        self.server.ctx.provisioner(&pool).await.unwrap()
    }

    /// A cluster document that signs on with a token.
    pub fn by_token(&self) -> Value {
        let mut cluster = self.real.by_token(&self.name);
        cluster["addresses"] = json!([self.address]);
        cluster
    }

    /// Enters a cluster for the pool.
    pub async fn enter(&self, name: &str, mut cluster: Value) {
        cluster["name"] = name.into();
        cluster["provisioner"] = "kubernetes".into();
        cluster["pools"] = json!(["kube"]);
        self.server.admin().await.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
    }

    pub async fn info(&self, admin: &Caller<'_>) -> Value {
        admin.get(&format!("/1.0/apps/{}", self.name)).send().await.ok(200).json()
    }

    /// An object of the namespace.
    pub fn object(&self, what: &str, name: &str) -> Value {
        serde_json::from_str(&self.real.kubectl(&["get", what, name, "-n", &self.name, "-o", "json"])).unwrap()
    }

    /// All objects of a kind in the namespace.
    pub fn objects(&self, what: &str) -> Vec<Value> {
        let listed: Value = serde_json::from_str(&self.real.kubectl(&["get", what, "-n", &self.name, "-o", "json"])).unwrap();
        listed["items"].as_array().unwrap().clone()
    }

    /// Their names.
    pub fn names(&self, what: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.objects(what).iter().map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// A name of an object: the app's, with this behind it.
    pub fn named(&self, rest: &str) -> String {
        format!("{}-{rest}", self.name)
    }

    /// Waits until the app's info is so.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let admin = self.server.admin().await;
        let last = RefCell::new(Value::Null);
        eventually(what, PATIENCE, async || {
            last.replace(self.info(&admin).await);
            holds(&last.borrow())
        })
        .await;
        last.into_inner()
    }

    /// Writes objects into the namespace, as somebody else would.
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        let mut child = self.real.command(&["apply", "-n", &self.name, "-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("---- what is in {} ----", self.name));
            for what in ["all,secrets,serviceaccounts,poddisruptionbudgets", "events"] {
                say(&self.real.read(&["get", what, "-n", &self.name, "-o", "wide"]));
            }
        }
        self.real.read(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

/// The cluster that the environment names.
pub struct Real {
    config: Value,
    token: String,
}

impl Real {
    fn here() -> Option<Self> {
        env::var_os("IMPAAS_KUBECONFIG")?;
        let mut real = Self { config: Value::Null, token: env::var("IMPAAS_CLUSTER_TOKEN").unwrap() };
        real.config = serde_json::from_str(&real.kubectl(&["config", "view", "--raw", "--flatten", "-o", "json"])).unwrap();
        Some(real)
    }

    /// A cluster document that signs on with a token; its apps are in this namespace.
    pub fn by_token(&self, namespace: &str) -> Value {
        let data = json!({"token": self.token, "namespace": namespace, "disable-default-node-selector": "true"});
        json!({"addresses": [self.server()], "cacert": self.ca(), "custom_data": data})
    }

    pub fn server(&self) -> &str {
        self.config["clusters"][0]["cluster"]["server"].as_str().unwrap()
    }

    /// The authority's certificate, in base64 as clients send it.
    pub fn ca(&self) -> &str {
        self.config["clusters"][0]["cluster"]["certificate-authority-data"].as_str().unwrap()
    }

    pub fn cluster(&self) -> &Value {
        &self.config["clusters"][0]["cluster"]
    }

    pub fn user(&self) -> &Value {
        &self.config["users"][0]["user"]
    }

    /// What kubectl prints; fails when it does.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, whatever comes of it.
    pub fn read(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }

    /// The image of an app whose one deployment has one unit, which is ready, and of which nothing is held back.
    pub fn runs_whole(&self, namespace: &str, app: &str) -> Option<String> {
        let of_app = format!("tsuru.io/app-name={app}");
        let listed = self.kubectl(&["get", "deployments", "-n", namespace, "-l", &of_app, "-o", "json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let [one] = listed["items"].as_array().unwrap().as_slice() else { return None };
        let whole = ["readyReplicas", "updatedReplicas", "replicas"].iter().all(|name| one["status"][name] == 1);
        let image = one["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
        (whole && one["spec"]["paused"] != true).then(|| image.to_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("IMPAAS_KUBECTL").unwrap_or_else(|| "kubectl".into()));
        command.arg("--kubeconfig").arg(env::var_os("IMPAAS_KUBECONFIG").unwrap()).args(arguments).stdout(Stdio::piped());
        command
    }
}

#[test]
fn a_skipped_cluster_is_said_loudly() {
    if env::var_os("IMPAAS_KUBECONFIG").is_none() {
        say("Kubernetes: SKIPPED, IMPAAS_KUBECONFIG is not set");
    }
}
