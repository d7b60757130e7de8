//! How clusters are entered, and what happens when one is away.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use super::{PATIENCE, Real, World, running};
use crate::server::{Server, eventually, quickly};

fn is_well(info: &Value) -> bool {
    let error = info["error"].as_str().unwrap_or_default();
    (error.is_empty() || error.starts_with("unable to get units metrics: ")) && info["cluster"] == "real"
}

/// The pods of the app are seen, so the cluster let us in.
async fn is_let_in(world: &World) {
    world.apply(&[running::deployment(&world.name, 1)]);
    world.until("a unit is seen", |info| is_well(info) && info["units"].as_array().is_some_and(|units| units.len() == 1)).await;
}

#[actix_web::test]
async fn a_token_lets_us_in() {
    let Some(world) = World::with_app().await else { return };
    is_let_in(&world).await;
}

#[actix_web::test]
async fn a_client_certificate_lets_us_in() {
    let Some(world) = World::new().await else { return };
    let user = world.real.user();
    let cluster = json!({"addresses": [world.real.server()], "cacert": world.real.ca(),
        "clientcert": user["client-certificate-data"], "clientkey": user["client-key-data"], "custom_data": {"namespace": world.name}});
    world.enter("real", cluster).await;
    world.make_app().await;
    is_let_in(&world).await;
}

#[actix_web::test]
async fn a_kubeconfig_lets_us_in() {
    let Some(world) = World::new().await else { return };
    let config = json!({"cluster": world.real.cluster(), "user": world.real.user()});
    world.enter("real", json!({"kubeConfig": config, "custom_data": {"namespace": world.name}})).await;
    world.make_app().await;
    is_let_in(&world).await;
}

#[actix_web::test]
async fn what_a_cluster_refuses_is_told_until_the_cluster_is_put_right() {
    let Some(world) = World::new().await else { return };
    let mut wrong = world.by_token();
    wrong["custom_data"]["token"] = "nobody's".into();
    world.enter("real", wrong.clone()).await;
    world.make_app().await;
    let info = world.until("the refusal is told", |info| info["error"].as_str().is_some_and(|text| text.starts_with("cluster"))).await;
    assert!(info["error"].as_str().unwrap().starts_with("cluster \"real\""), "{}", info["error"]);
    let admin = world.server.admin().await;
    let mut right = world.by_token();
    (right["name"], right["provisioner"], right["pools"]) = ("real".into(), "kubernetes".into(), json!(["kube"]));
    admin.post("/1.4/provisioner/clusters/real").json(&right).send().await.ok(200);
    is_let_in(&world).await;
}

#[actix_web::test]
async fn a_cluster_that_is_away_is_the_trouble_of_its_own_apps_only() {
    let Some(world) = World::with_app().await else { return };
    let admin = world.server.admin().await;
    admin.post("/1.0/pools").json(&json!({"name": "away", "provisioner": "kubernetes", "public": true})).send().await.ok(201);
    let cluster = json!({"name": "gone", "provisioner": "kubernetes", "addresses": ["https://10.244.0.250:6443"], "pools": ["away"]});
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
    admin.post("/1.0/apps").json(&json!({"name": "far", "teamOwner": "demo", "pool": "away"})).send().await.ok(201);
    is_let_in(&world).await;
    quickly("nobody waits for it", Duration::from_secs(1), async || {
        admin.get("/1.0/apps?name=.*").send().await.ok(200);
        admin.get("/1.0/apps/far").send().await.ok(200);
    })
    .await;
    let restarted = admin.post("/1.0/apps/far/restart").form(&[]).send().await;
    assert!(restarted.status == 503 || restarted.text.contains("cluster \\\"gone\\\" does not answer"), "{restarted:?}");
}

/// An HTTP proxy on a port of this machine, and the heads of the requests that it got.
async fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heads) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let seen = heads.clone();
    tokio::spawn(async move {
        while let Ok((from, _)) = listener.accept().await {
            tokio::spawn(carry(from, seen.clone()));
        }
    });
    (port, heads)
}

async fn carry(mut from: TcpStream, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = from.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head);
    let Ok(mut to) = TcpStream::connect(&target).await else { return };
    if from.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok() {
        copy_bidirectional(&mut from, &mut to).await.ok();
    }
}

#[actix_web::test]
async fn a_cluster_is_reached_through_its_proxy() {
    let Some(world) = World::new().await else { return };
    let (port, heads) = proxy().await;
    let mut cluster = world.by_token();
    cluster["httpProxy"] = format!("http://me:hush@127.0.0.1:{port}").into();
    world.enter("real", cluster).await;
    world.make_app().await;
    is_let_in(&world).await;
    let heads = heads.lock().unwrap().clone();
    let target = world.real.server().trim_start_matches("https://");
    assert!(!heads.is_empty() && heads.iter().all(|head| head.starts_with(&format!("CONNECT {target} "))), "{heads:?}");
    // me:hush
    assert!(heads[0].to_lowercase().contains("proxy-authorization: basic ") && heads[0].contains("bWU6aHVzaA=="), "{}", heads[0]);
}

/// A server that runs as a pod does: with the files of a service account where a kubelet puts them, and told where the cluster is.
struct Pod {
    server: Server,
    real: Real,
    name: String,
    _files: tempfile::TempDir,
}

impl Pod {
    async fn start() -> Option<Self> {
        let real = Real::here()?;
        let name = format!("pod-{}", std::process::id());
        real.kubectl(&["create", "namespace", &name]);
        real.kubectl(&["create", "serviceaccount", "impaas", "-n", &name]);
        real.kubectl(&["create", "clusterrolebinding", &name, "--clusterrole=cluster-admin", &format!("--serviceaccount={name}:impaas")]);
        let files = tempfile::tempdir().unwrap();
        let authority = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, real.ca()).unwrap();
        for (file, content) in [
            ("token", real.kubectl(&["create", "token", "impaas", "-n", &name]).into_bytes()),
            ("ca.crt", authority),
            ("namespace", name.clone().into()),
        ] {
            std::fs::write(files.path().join(file), content).unwrap();
        }
        let settings = files.path().join("tsuru.conf");
        std::fs::write(&settings, "provisioner: kubernetes\nrouters: {edge: {type: ingress, domain: pod.test, class: traefik}}\n").unwrap();
        let mut pod = Self { server: Server::stopped(&["--config", settings.to_str().unwrap()]), real, name, _files: files };
        // In a mount namespace of its own, so that nobody else sees the files.
        let place = "/var/run/secrets/kubernetes.io/serviceaccount";
        let script = format!("mount -t tmpfs none /var/run && mkdir -p {place} && cp \"$0\"/* {place}/ && exec \"$@\"");
        let folder = pod._files.path().to_str().unwrap().to_owned();
        let (host, port) = pod.real.server().trim_start_matches("https://").split_once(':').unwrap();
        let told = [("KUBERNETES_SERVICE_HOST", host.to_owned()), ("KUBERNETES_SERVICE_PORT", port.to_owned())];
        let told: Vec<(&str, &str)> = told.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pod.server.start_by(&["unshare", "--mount", "--propagation", "private", "sh", "-c", &script, &folder], &told).await;
        pod.server.log_in().await;
        Some(pod)
    }

    async fn post(&self, path: &str, body: &Value) {
        let (status, text) = self.server.send(self.server.request(Method::POST, path).json(body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {text}");
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        for what in [["delete", "clusterrolebinding", &self.name], ["delete", "namespace", &self.name]] {
            self.real.read(&[&what[..], &["--wait=false"]].concat());
        }
    }
}

#[actix_web::test]
async fn a_server_in_a_pod_knows_the_cluster_around_it_and_is_let_in_by_its_service_account() {
    let Some(pod) = Pod::start().await else { return };
    let clusters = pod.server.json("/1.3/provisioner/clusters").await;
    let all_nodes = json!({"disable-default-node-selector": "true"});
    assert_eq!((&clusters[0]["name"], &clusters[0]["local"], &clusters[0]["default"]), (&json!("local"), &json!(true), &json!(true)));
    assert_eq!(clusters[0]["custom_data"], all_nodes);
    let pools = pod.server.json("/pools").await;
    assert_eq!((&pools[0]["Name"], &pools[0]["Provisioner"]), (&json!("local"), &json!("kubernetes")));
    pod.post("/1.0/apps", &json!({"name": pod.name, "teamOwner": "demo", "pool": "local"})).await;
    let objects = running::deployment(&pod.name, 1).to_string();
    let file = pod._files.path().join("deployment.json");
    std::fs::write(&file, objects).unwrap();
    pod.real.kubectl(&["apply", "-n", &pod.name, "-f", file.to_str().unwrap()]);
    eventually("a unit is seen", PATIENCE, async || {
        let info = pod.server.json(&format!("/1.0/apps/{}", pod.name)).await;
        info["cluster"] == "local" && running::started(&info) == 1
    })
    .await;
}
