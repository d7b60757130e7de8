//! Images in a registry that wants a login: the registry program of the cluster, started once more, for the images that are there.

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    PATIENCE, Real, World,
    rollout::{Site, web},
    running,
};
use crate::server::{eventually, free_port};

const LOGIN: (&str, &str) = ("node", "hush");

/// Ends with the test.
struct Registry {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Registry {
    /// `None` where there is no cluster.
    async fn start() -> Option<Self> {
        Real::here()?;
        // The cluster's cache: its kubectl is in `bin`.
        let cache = PathBuf::from(env::var_os("IMPAAS_KUBECTL").unwrap()).parent().unwrap().parent().unwrap().to_owned();
        let (folder, address) = (tempfile::tempdir().unwrap(), format!("127.0.0.1:{}", free_port()));
        let file = |name: &str| folder.path().join(name);
        fs::write(file("users"), format!("{}:{}\n", LOGIN.0, bcrypt::hash(LOGIN.1, 4).unwrap())).unwrap();
        let settings = json!({"version": 0.1, "log": {"level": "error"}, "http": {"addr": address},
            "storage": {"filesystem": {"rootdirectory": cache.join("registry")}, "maintenance": {"readonly": {"enabled": true}}},
            "auth": {"htpasswd": {"realm": "images", "path": file("users")}}});
        fs::write(file("registry.yml"), settings.to_string()).unwrap();
        let program = cache.join("debian/usr/bin/docker-registry");
        let process =
            Command::new(program).arg("serve").arg(file("registry.yml")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Self { process, address, _folder: folder };
        eventually("the registry asks who is there", PATIENCE, async || registry.status().await == Some(401)).await;
        Some(registry)
    }

    /// What somebody without a login is told.
    async fn status(&self) -> Option<u16> {
        Some(reqwest::get(format!("http://{}/v2/", self.address)).await.ok()?.status().as_u16())
    }

    fn image(&self) -> String {
        format!("{}/base/busybox:latest", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What the nodes of an app are shown, once a unit of it runs from the image.
async fn shown(site: &Site, registry: &Registry) -> Value {
    let mut process = web(1);
    process.pod.image = registry.image();
    site.applied(&site.state(vec![process])).await;
    site.world.until("it runs", |info| running::started(info) == 1).await;
    let pod = &site.world.objects("pods")[0]["spec"];
    assert_eq!(
        (&pod["containers"][0]["image"], &pod["imagePullSecrets"]),
        (&json!(registry.image()), &json!([{"name": "docker-config-tsuru"}]))
    );
    let secret = site.get("secret", "docker-config-tsuru");
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    serde_json::from_slice(&STANDARD.decode(secret["data"][".dockerconfigjson"].as_str().unwrap()).unwrap()).unwrap()
}

fn auth() -> String {
    STANDARD.encode(format!("{}:{}", LOGIN.0, LOGIN.1))
}

#[actix_web::test]
async fn nodes_pull_with_the_login_of_the_servers_registry() {
    let Some(registry) = Registry::start().await else { return };
    let login = format!("registry-auth: {{username: {}, password: {}}}", LOGIN.0, LOGIN.1);
    let settings = format!("docker:\n  registry: \"{}\"\n  {login}\n", registry.address);
    let Some(world) = World::with_settings(&settings).await else { return };
    let site = Site::of(world, &[]).await;
    let auths = json!({"auths": {&registry.address: {"auth": auth()}}});
    assert_eq!(shown(&site, &registry).await, auths);
}
