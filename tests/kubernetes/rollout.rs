//! Rollouts: what the cluster has afterwards, and what is said on the way.

use std::sync::{Arc, Mutex};

use impaas::{
    build::tsuru_yaml::Healthcheck,
    error::Result,
    output::{Output, Sink},
    pool::Pool,
    provisioner::{AppPlace, AppState, DynProvisioner, PodPlace, PoolPlace, ProcessState, hold::Firm},
};
use serde_json::{Value, json};

use super::World;

pub const IMAGE: &str = "127.0.0.1:5000/base/busybox:latest";

/// Collects what is said.
#[derive(Default)]
struct Said(Mutex<String>);

impl Sink for Said {
    fn write(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

/// An app whose states are applied one after the other.
pub struct Site {
    pub world: World,
    pub provisioner: DynProvisioner,
}

impl Site {
    pub async fn new() -> Option<Self> {
        Self::with(&[]).await
    }

    /// With this custom data besides.
    pub async fn with(custom: &[(&str, &str)]) -> Option<Self> {
        Some(Self::of(World::new().await?, custom).await)
    }

    /// In this world.
    pub async fn of(world: World, custom: &[(&str, &str)]) -> Self {
        let mut cluster = world.by_token();
        cluster["custom_data"]["pre-stop-sleep"] = "0".into();
        for (key, value) in custom {
            cluster["custom_data"][*key] = (*value).into();
        }
        world.enter("real", cluster).await;
        world.make_app().await;
        let pool = Pool::load(&world.server.ctx.store, "kube").await.unwrap();
        let provisioner = world.server.ctx.provisioner(&pool).await.unwrap();
        Self { world, provisioner }
    }

    /// What was said, without the cluster's events.
    pub async fn apply(&self, want: &AppState) -> (Result<()>, String) {
        let said = Arc::new(Said::default());
        let done = self.provisioner.apply(want.clone(), Arc::new(Firm), &Output::to(said.clone())).await;
        let all = said.0.lock().unwrap().clone();
        let own: Vec<&str> = all.lines().filter(|line| !line.starts_with("  ---> ")).collect();
        (done, own.join("\n"))
    }

    pub async fn applied(&self, want: &AppState) -> String {
        let (done, said) = self.apply(want).await;
        done.unwrap_or_else(|e| panic!("{e}\n{said}"));
        said
    }

    /// A name of an object: the app's, with this behind it.
    pub fn named(&self, rest: &str) -> String {
        self.world.named(rest)
    }

    pub fn state(&self, processes: Vec<ProcessState>) -> AppState {
        let pool = PoolPlace { name: "kube".into(), affinity: None };
        let place = AppPlace { team: "demo".into(), pool, ..AppPlace::default() };
        AppState { app: self.world.name.clone(), processes, place, ..AppState::default() }
    }

    pub fn get(&self, what: &str, name: &str) -> Value {
        self.world.object(what, name)
    }

    pub fn names(&self, what: &str) -> Vec<String> {
        self.world.names(what)
    }
}

/// A process that answers HTTP.
pub fn web(version: u32) -> ProcessState {
    let script = "mkdir -p /tmp/www; echo $TSURU_APPVERSION > /tmp/www/index.html; echo ready; exec httpd -f -p 8888 -h /tmp/www";
    let env = [("TSURU_SERVICES".into(), "{}".into()), ("SECRET".into(), "hush".into())].into();
    let check = Healthcheck { path: "/".into(), interval_seconds: 1, ..Healthcheck::default() };
    ProcessState {
        version,
        name: "web".into(),
        command: ["/bin/sh", "-c", script].map(str::to_owned).into(),
        units: 1,
        routable: true,
        env,
        healthcheck: Some(check.in_full()),
        pod: PodPlace { image: IMAGE.into(), main: true, ..PodPlace::default() },
        ..ProcessState::default()
    }
}

#[actix_web::test]
async fn a_first_deploy_makes_everything_and_reads_as_recorded() {
    let Some(site) = Site::new().await else { return };
    let said = site.applied(&site.state(vec![web(1)])).await;
    let app = &site.world.name;
    let expected = format!(
        "---- Updating units [web] [version 1] ----\n\n ---> Created secret \"tsuru-app-{app}-web\" for process \"web\" [version 1]\n\n \
         ---> Updated secret \"tsuru-app-{app}-web\" for process \"web\" [version 1]\n\n ---> Updated secret \"tsuru-app-{app}-web\" \
         ownerReferences\n\n ---> Waiting for units to be ready [web] [version 1]\n"
    );
    assert!(said.starts_with(&expected), "{said}");
    let end = format!(
        " ---> 1 of 1 new units ready\n ---> All units ready\n\n---- Ensuring services [web] ----\n ---> Service {app}-web\n \
         ---> Service {app}-web-units\n\n---- Cleaning up resources ----"
    );
    assert!(said.ends_with(&end), "{said}");
    let names = [format!("{app}-web"), format!("{app}-web-units")];
    assert_eq!((site.names("services"), site.names("poddisruptionbudgets")), (names.to_vec(), vec![names[0].clone()]));
    let resource = site.get("apps.tsuru.io", app);
    let spec = json!({"namespaceName": app, "serviceAccountName": format!("app-{app}"), "deployments": {"web": [names[0]]},
        "services": {"web": names}, "podDisruptionBudgets": {"web": [names[0]]}, "configs": null});
    assert_eq!(resource["spec"], spec);
    let owner = &site.get("secret", &format!("tsuru-app-{app}-web"))["metadata"]["ownerReferences"][0];
    assert_eq!(owner["uid"], site.get("deployment", &names[0])["metadata"]["uid"]);
}

#[actix_web::test]
async fn what_another_app_has_under_the_same_name_stays_as_it_is() {
    let Some(site) = Site::new().await else { return };
    // `app-x` + `web` comes to the same as `app` + `x-web`.
    let (other, name) = (site.named("x"), site.named("x-web"));
    let theirs = json!({"tsuru.io/is-tsuru": "true", "tsuru.io/app-name": other, "tsuru.io/app-process": "web"});
    let object = |api: &str, kind: &str, name: &str, more: Value| {
        let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": theirs}});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let service = object("v1", "Service", &name, json!({"spec": {"ports": [{"port": 80}], "selector": {"tsuru.io/app-name": other}}}));
    let versions =
        |kinds: &[&str]| kinds.iter().map(|kind| site.get(kind, &name)["metadata"]["resourceVersion"].clone()).collect::<Vec<_>>();
    let x_web = ProcessState { name: "x-web".into(), healthcheck: None, ..web(1) };

    site.world.apply(std::slice::from_ref(&service));
    let before = versions(&["service"]);
    let (done, said) = site.apply(&site.state(vec![x_web.clone()])).await;
    let why = done.unwrap_err().to_string();
    assert_eq!(why, format!("the Service {name:?} is there already and belongs to app {other:?}"), "{said}");
    assert_eq!((versions(&["service"]), site.names("deployments")), (before, Vec::new()), "what was made is undone, and nothing else");

    let container = json!({"name": "c", "image": IMAGE});
    let template = json!({"metadata": {"labels": theirs}, "spec": {"containers": [container]}});
    let deployment = json!({"spec": {"replicas": 0, "selector": {"matchLabels": theirs}, "template": template}});
    let secret = object("v1", "Secret", &format!("tsuru-app-{name}"), json!({"stringData": {"SECRET": "theirs"}}));
    site.world.apply(&[object("apps/v1", "Deployment", &name, deployment), secret.clone()]);
    let (done, _) = site.apply(&site.state(vec![x_web])).await;
    assert!(done.unwrap_err().to_string().ends_with(&format!("belongs to app {other:?}")));
    assert_eq!(site.names("deployments"), std::slice::from_ref(&name));
    assert_eq!(site.get("secret", &format!("tsuru-app-{name}"))["data"]["SECRET"], "dGhlaXJz");
}

#[actix_web::test]
async fn a_new_app_is_known_to_its_cluster_before_anything_runs_and_no_more_when_it_is_removed() {
    let Some(world) = World::with_app().await else { return };
    let spec = json!({"namespaceName": world.name, "serviceAccountName": format!("app-{}", world.name), "deployments": {}, "services": {},
        "podDisruptionBudgets": {}, "configs": null});
    // A cluster that is slow is not waited for: then the first deploy makes it known.
    for _ in 0..5 {
        if !world.names("apps.tsuru.io").is_empty() {
            break;
        }
        world.server.admin().await.delete(&format!("/1.0/apps/{}", world.name)).send().await.ok(200);
        world.make_app().await;
    }
    assert_eq!(world.object("apps.tsuru.io", &world.name)["spec"], spec);
    world.server.admin().await.delete(&format!("/1.0/apps/{}", world.name)).send().await.ok(200);
    assert_eq!(world.names("apps.tsuru.io"), Vec::<String>::new());
}

#[actix_web::test]
async fn an_app_is_made_also_where_its_cluster_is_away() {
    let Some(mut world) = World::new().await else { return };
    world.address = "https://127.0.0.1:9".into();
    world.enter("real", world.by_token()).await;
    world.make_app().await;
    assert_eq!(world.info(&world.server.admin().await).await["name"], world.name);
}
