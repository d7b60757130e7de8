//! How requests from outside reach apps: the objects that the router `edge` of the type `ingress` writes. Where
//! `IMPAAS_CLUSTER_INGRESS` says where an ingress controller of the class `traefik` listens, requests go through it.

use std::{env, net::SocketAddr};

use serde_json::{Value, json};

use super::{
    PATIENCE, World,
    build::{Yard, ended_well},
    running,
};
use crate::{
    api::{edge_router::EdgeRouter, harness::Caller},
    server::eventually,
    store::say,
};

/// The service that leads to what is routable of a process.
fn service(app: &str, process: &str, more: &[(&str, &str)]) -> Value {
    let usual = [("is-tsuru", "true"), ("app-name", app), ("app-process", process)];
    let labels: Value = usual.iter().chain(more).map(|(key, value)| (format!("tsuru.io/{key}"), json!(value))).collect();
    let version = more.iter().find(|(key, _)| *key == "app-version").map(|(_, version)| format!("-v{version}")).unwrap_or_default();
    let selector = json!({"tsuru.io/app-name": app, "tsuru.io/app-process": process});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("{app}-{process}{version}"), "labels": labels},
        "spec": {"selector": selector, "ports": [{"name": "a", "port": 80, "targetPort": 8888}, {"name": "b", "port": 81, "targetPort": 8888}]}})
}

const ROUTABLE: &[(&str, &str)] = &[("is-routable", "true")];

/// The app has a service, and no unit behind it.
pub async fn served() -> Option<World> {
    let world = World::with_app().await?;
    world.apply(&[service(&world.name, "web", ROUTABLE)]);
    Some(world)
}

impl World {
    pub async fn rebuild(&self) {
        self.server.admin().await.post(&format!("/1.0/apps/{}/routes", self.name)).send().await.ok(200);
    }

    pub async fn opts(&self, router: &str, opts: Value) {
        let path = format!("/1.5/apps/{}/routers/{router}", self.name);
        self.server.admin().await.put(&path).json(&json!({"opts": opts})).send().await.ok(200);
    }

    pub async fn cname(&self, method: &str, cname: &str) {
        let admin = self.server.admin().await;
        let path = format!("/1.0/apps/{}/cname", self.name);
        if method == "DELETE" {
            admin.delete(&format!("{path}?cname={cname}")).send().await.ok(200);
        } else {
            admin.post(&path).form(&[("cname", cname)]).send().await.ok(200);
        }
    }

    /// The objects of this kind by name.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        let list: Value = serde_json::from_str(&self.real.kubectl(&["get", kind, "-n", &self.name, "-o", "json"])).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    pub fn names_of(&self, kind: &str) -> Vec<String> {
        self.all(kind).iter().map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn one(&self, kind: &str, name: &str) -> Value {
        serde_json::from_str(&self.real.kubectl(&["get", kind, name, "-n", &self.name, "-o", "json"])).unwrap()
    }

    fn main(&self) -> String {
        format!("kubernetes-router-{}-ingress", self.name)
    }
}

pub async fn routers(world: &World, admin: &Caller<'_>) -> Value {
    admin.get(&format!("/1.5/apps/{}/routers", world.name)).send().await.ok(200).json()
}

#[actix_web::test]
async fn an_app_is_reached_by_the_ingresses_that_tsurus_router_makes() {
    let Some(world) = served().await else { return };
    let (app, admin) = (&world.name, world.server.admin().await);
    assert_eq!(routers(&world, &admin).await[0]["status-detail"], "waiting for deploy");
    world.rebuild().await;
    let made = world.one("ingress", &world.main());
    let labels = json!({"router.tsuru.io/base-service-name": format!("{app}-web"), "router.tsuru.io/base-service-namespace": app,
        "tsuru.io/app-name": app, "tsuru.io/app-team": "demo"});
    assert_eq!((&made["metadata"]["labels"], &made["metadata"]["annotations"]), (&labels, &json!({"tsuru.io/app-teamowner": "demo"})));
    let owner = &made["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["uid"]), (&json!("Service"), &world.all("service")[0]["metadata"]["uid"]));
    let backend = json!({"service": {"name": format!("{app}-web"), "port": {"number": 80}}});
    let paths = json!([{"backend": backend, "pathType": "ImplementationSpecific"}]);
    let rules = json!([{"host": format!("{app}.apps.test"), "http": {"paths": paths}}]);
    assert_eq!(made["spec"], json!({"ingressClassName": "traefik", "rules": rules}));
    let listed = admin.get("/1.0/apps").send().await.ok(200).json();
    let own = listed.as_array().unwrap().iter().find(|listed| listed["name"] == app.as_str()).unwrap();
    assert_eq!(own["routers"][0]["address"], format!("{app}.apps.test"));
    let shown = routers(&world, &admin).await;
    assert_eq!((&shown[0]["type"], &shown[0]["addresses"]), (&json!("ingress"), &json!([format!("{app}.apps.test")])));
    world.rebuild().await;
    assert_eq!(world.one("ingress", &world.main())["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"], "written twice");
}

#[actix_web::test]
async fn host_names_come_and_go_with_an_ingress_of_their_own() {
    let Some(world) = served().await else { return };
    let cname = format!("{}.cname.test", world.name);
    world.cname("POST", &cname).await;
    let main = world.one("ingress", &world.main());
    assert_eq!(main["metadata"]["annotations"]["router.tsuru.io/cnames"], cname);
    let own = world.one("ingress", &format!("kubernetes-router-cname-{cname}"));
    assert_eq!(own["metadata"]["labels"]["router.tsuru.io/is-cname-ingress"], "true");
    assert_eq!(
        (&own["spec"]["rules"][0]["host"], &own["metadata"]["ownerReferences"][0]["uid"]),
        (&json!(cname), &main["metadata"]["uid"])
    );
    let admin = world.server.admin().await;
    let issuer = [("cname", cname.as_str()), ("issuer", "nobody")];
    let refused = admin.put(&format!("/1.24/apps/{}/certissuer", world.name)).form(&issuer).send().await;
    refused.fails(500, &format!("could not ensure CName: {cname:?}: issuer nobody not found"));
    // What was refused is not kept.
    world.rebuild().await;
    world.cname("DELETE", &cname).await;
    assert_eq!(world.names_of("ingress"), [world.main()]);
    assert_eq!(world.one("ingress", &world.main())["metadata"]["annotations"].get("router.tsuru.io/cnames"), None);
}

#[actix_web::test]
async fn options_are_names_ports_and_annotations() {
    let Some(world) = served().await else { return };
    let app = &world.name;
    world.apply(&[service(app, "web", &[("app-version", "2")]), service(app, "admin", ROUTABLE)]);
    world
        .opts("edge", json!({"all-prefixes": "true", "exposed-port": "81", "domain-prefix": "p", "tls-acme": "true", "x.io/y": "z"}))
        .await;
    let made = world.one("ingress", &world.main());
    let rules = made["spec"]["rules"].as_array().unwrap();
    let seen: Vec<(&str, i64)> = rules
        .iter()
        .map(|rule| {
            let port = &rule["http"]["paths"][0]["backend"]["service"]["port"]["number"];
            (rule["host"].as_str().unwrap(), port.as_i64().unwrap())
        })
        .collect();
    let own = format!("p.{app}.apps.test");
    let prefixed = ["admin.process", "web.process", "v2.version", "v2.version.web.process"].map(|prefix| format!("{prefix}.{own}"));
    let expected: Vec<(&str, i64)> = [(own.as_str(), 81)].into_iter().chain(prefixed.iter().map(|host| (host.as_str(), 80))).collect();
    assert_eq!(seen, expected);
    assert_eq!(
        (&made["metadata"]["annotations"]["x.io/y"], &made["metadata"]["annotations"]["kubernetes.io/tls-acme"]),
        (&json!("z"), &json!("true"))
    );
    assert_eq!(made["spec"]["tls"][0], json!({"hosts": [own], "secretName": format!("kr-{app}-{own}")}));
    assert_eq!(routers(&world, &world.server.admin().await).await[0]["address"], format!("https://{own}"));
}

#[actix_web::test]
async fn a_frozen_ingress_is_left_as_it_is() {
    let Some(world) = served().await else { return };
    world.rebuild().await;
    let main = world.main();
    world.real.kubectl(&["annotate", "ingress", &main, "-n", &world.name, "router.tsuru.io/freeze=true"]);
    world.opts("edge", json!({"x.io/y": "z"})).await;
    assert_eq!(world.one("ingress", &main)["metadata"]["annotations"].get("x.io/y"), None);
    world.real.kubectl(&["annotate", "ingress", &main, "-n", &world.name, "router.tsuru.io/freeze-"]);
    world.rebuild().await;
    assert_eq!(world.one("ingress", &main)["metadata"]["annotations"]["x.io/y"], "z");
}

#[actix_web::test]
async fn a_router_that_speaks_the_api_is_told_of_the_services() {
    let Some(world) = served().await else { return };
    let (app, admin, edge) = (&world.name, world.server.admin().await, EdgeRouter::start());
    world.apply(&[service(app, "web", &[("app-version", "2")])]);
    let config = json!({"api-url": format!("{}/api", edge.url), "multi-cluster": true});
    admin.post("/1.8/routers").json(&json!({"name": "told", "type": "api", "config": config})).send().await.ok(201);
    admin.post(&format!("/1.5/apps/{app}/routers")).form(&[("name", "told")]).send().await.ok(200);
    let told = edge.backend(app).unwrap();
    let to = |prefix: &str, service: &str| json!({"prefix": prefix, "target": {"service": service, "namespace": app}});
    let (base, second) = (format!("{app}-web"), format!("{app}-web-v2"));
    let prefixes = [to("", &base), to("web.process", &base), to("v2.version", &second), to("v2.version.web.process", &second)];
    assert_eq!(told["prefixes"], json!(prefixes));
    assert_eq!((&told["opts"]["tsuru.io/app-pool"], &told["healthcheck"]), (&json!("kube"), &json!({"Path": "", "TCPOnly": true})));
    assert_eq!((edge.header("x-tsuru-pool-name").as_deref(), edge.header("x-tsuru-cluster-name").as_deref()), (Some("kube"), Some("real")));
    assert_eq!(routers(&world, &admin).await[1]["address"], format!("{app}.edge.example.com"));
    admin.delete(&format!("/1.5/apps/{app}/routers/told")).send().await.ok(200);
    assert_eq!(edge.backend(app), None);
}

const TWO_PROCESSES: &str = "FROM 127.0.0.1:5000/base/busybox:latest\nWORKDIR /www\nCOPY Procfile .\n";
const PROCFILE: &str = "web: httpd -f -p $PORT -h /www\nadmin: httpd -f -p $PORT -h /www\n";

#[actix_web::test]
async fn a_deploy_tells_a_router_that_speaks_the_api_of_every_process_and_version() {
    let Some(yard) = Yard::new().await else { return };
    let (app, admin, edge) = (&yard.world.name, yard.world.server.admin().await, EdgeRouter::start());
    let config = json!({"api-url": format!("{}/api", edge.url), "headers": {"X-Router-Opt": ["a=b", "c=d"]}});
    admin.post("/1.8/routers").json(&json!({"name": "told", "type": "api", "config": config})).send().await.ok(201);
    let new = json!({"name": app, "teamOwner": "demo", "pool": "kube", "router": "told", "routeropts": {"class": "fast"}, "tags": ["t"]});
    admin.post("/1.0/apps").json(&new).send().await.ok(201);
    edge.take_calls();
    let deploy = async |fields: &[(&str, &str)]| {
        let reply = yard.upload(&[&[("dockerfile", TWO_PROCESSES)], fields].concat(), &[("Procfile", PROCFILE)]).await.ok(200);
        assert!(ended_well(&reply).contains("---- Updating router [told] ----"), "{}", reply.text);
        assert_eq!(edge.take_calls(), [format!("PUT backend/{app}"), format!("GET backend/{app}")]);
    };
    let told = || {
        let prefixes = edge.backend(app).unwrap()["prefixes"].as_array().unwrap().clone();
        let to = |prefix: &Value| {
            let target = &prefix["target"];
            assert_eq!((target.as_object().unwrap().len(), &target["namespace"]), (2, &json!(app)));
            format!("{} {}", prefix["prefix"].as_str().unwrap(), target["service"].as_str().unwrap().strip_prefix(app.as_str()).unwrap())
        };
        let mut all: Vec<String> = prefixes.iter().map(to).collect();
        all.sort();
        all
    };
    deploy(&[]).await;
    assert_eq!(told(), [" -web", "admin.process -admin", "web.process -web"]);
    let backend = edge.backend(app).unwrap();
    let opts = json!({"class": "fast", "tsuru.io/app-pool": "kube", "tsuru.io/app-teamowner": "demo", "tsuru.io/app-teams": ["demo"]});
    assert_eq!((&backend["opts"], &backend["team"], &backend["tags"]), (&opts, &json!("demo"), &json!(["t"])));
    assert_eq!(edge.header("x-router-opt").as_deref(), Some("c=d"));
    deploy(&[("new-version", "true")]).await;
    let both = |version: &str| {
        let of = |name: &str, process: &str| format!("v{version}.version{name} -{process}-v{version}");
        [of("", "web"), of(".admin.process", "admin"), of(".web.process", "web")]
    };
    let first = [" -web", "admin.process -admin"].map(str::to_owned);
    assert_eq!(told(), [&first[..], &both("1"), &both("2"), &["web.process -web".to_owned()]].concat());
    admin.delete(&format!("/1.0/apps/{app}")).send().await.ok(200);
    assert!(edge.take_calls().contains(&format!("DELETE backend/{app}")) && edge.backend(app).is_none());
}

/// Where the cluster's ingress controller listens, for plain and for TLS connections.
fn controller() -> Option<(String, SocketAddr)> {
    let (plain, tls) = (env::var("IMPAAS_CLUSTER_INGRESS").ok(), env::var("IMPAAS_CLUSTER_INGRESS_TLS").ok());
    if plain.is_none() {
        say("Requests through an ingress controller: SKIPPED, IMPAAS_CLUSTER_INGRESS is not set");
    }
    Some((plain?, tls.unwrap().parse().unwrap()))
}

/// The same, and an app that answers.
pub async fn answering() -> Option<(World, String, SocketAddr)> {
    let (plain, tls) = controller()?;
    let world = served().await?;
    world.apply(&[running::deployment(&world.name, 1)]);
    world.until("a unit runs", |info| info["units"][0]["Ready"] == true).await;
    Some((world, plain, tls))
}

pub async fn text(reply: reqwest::Result<reqwest::Response>) -> String {
    match reply {
        Ok(reply) => reply.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

pub async fn answers(plain: &str, host: &str) {
    let client = reqwest::Client::new();
    let asked = async || text(client.get(format!("http://{plain}/")).header("Host", host).send().await).await == "it works\n";
    eventually(&format!("{host} answers"), PATIENCE, asked).await;
}

#[actix_web::test]
async fn requests_reach_the_app_by_its_host_names() {
    let Some((world, plain, _)) = answering().await else { return };
    world.opts("edge", json!({"all-prefixes": "true"})).await;
    let cname = format!("{}.cname.test", world.name);
    world.cname("POST", &cname).await;
    for host in [format!("{}.apps.test", world.name), format!("web.process.{}.apps.test", world.name), cname.clone()] {
        answers(&plain, &host).await;
    }
    world.cname("DELETE", &cname).await;
    let client = reqwest::Client::new();
    let gone = async || client.get(format!("http://{plain}/")).header("Host", &cname).send().await.unwrap().status() == 404;
    eventually("the host name is forgotten", PATIENCE, gone).await;
}

#[actix_web::test]
async fn requests_reach_the_app_through_a_gateway() {
    let Some((world, plain, _)) = answering().await else { return };
    let (app, admin) = (&world.name, world.server.admin().await);
    let config = json!({"domain": "gate.test", "gateway": "traefik/traefik", "opts": {"http-only": "true"}});
    admin.post("/1.8/routers").json(&json!({"name": "gate", "type": "ingress", "config": config})).send().await.ok(201);
    admin.post(&format!("/1.5/apps/{app}/routers")).form(&[("name", "gate")]).send().await.ok(200);
    let cname = format!("{app}.cname.test");
    world.cname("POST", &cname).await;
    assert_eq!(world.names_of("httproute"), [format!("kube-router-{app}"), format!("kube-router-{app}-{cname}-cname")]);
    answers(&plain, &format!("{app}.gate.test")).await;
    eventually("the router is ready", PATIENCE, async || routers(&world, &admin).await[1]["status"] == "ready").await;
    assert_eq!(routers(&world, &admin).await[1]["address"], format!("http://{app}.gate.test"));
    world.cname("DELETE", &cname).await;
    assert_eq!(world.names_of("httproute"), [format!("kube-router-{app}")]);
    admin.delete(&format!("/1.5/apps/{app}/routers/gate")).send().await.ok(200);
    assert!(world.names_of("httproute").is_empty());
}
