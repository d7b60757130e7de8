//! Many apps with their units are listed from memory, whatever the cluster does. Its API server is stood in for, as in the bench.

#[path = "../../bench/src/cluster/mod.rs"]
mod cluster;

use std::sync::Arc;

use actix_web::web::Data;
use bson::{doc, oid::ObjectId};
use impaas::{app::App, provisioner::absent::Absent, router::address};
use serde_json::{Value, json};

use self::cluster::Cluster;
use super::PATIENCE;
use crate::{
    api::{
        double::serve,
        harness::{Caller, Server},
    },
    server::eventually,
};

const APPS: usize = 1000;
const ROUTES: [&str; 4] = ["/1.0/apps", "/1.0/apps?simplified=true", "/1.0/apps?status=started", "/1.0/apps/app-500"];
/// What is listed besides pods, deployments and services.
const LAST: [&str; 3] = ["/jobs", "/horizontalpodautoscalers", "/ingresses"];
/// A read asks the store so often at most.
const MOST_OF_A_READ: u64 = 2;

/// A cluster with so many apps, each with two units, and a server that knows it.
async fn crowd() -> (Server, Data<Cluster>) {
    let cluster = Data::new(Cluster::of(APPS));
    let address = serve(cluster.clone(), cluster::answer);
    let server = Server::with_settings(Arc::new(Absent), "routers:\n  edge: {type: ingress, domain: apps.test}\n").await;
    let store = &server.ctx.store;
    for n in 0..APPS {
        let (id, name) = (ObjectId::new(), format!("app-{n}"));
        let app = doc! {"_id": id, "name": &name, "teams": ["demo"], "teamowner": "demo", "pool": "kube", "owner": "x@example.com", "deploys": 1_i64, "routers": [{"name": "edge", "opts": {}}]};
        store.of::<App>().insert(&bson::deserialize_from_document(app).unwrap()).await.unwrap();
        address::keep(store, &name, "edge", &format!("{name}.apps.test")).await.unwrap();
    }
    let admin = server.admin().await;
    let pool = json!({"name": "kube", "provisioner": "kubernetes", "public": true});
    admin.post("/1.0/pools").json(&pool).send().await.ok(201);
    let entered = json!({"name": "many", "provisioner": "kubernetes", "pools": ["kube"], "addresses": [address]});
    admin.post("/1.3/provisioner/clusters").json(&entered).send().await.ok(200);
    (server, cluster)
}

async fn get(caller: &Caller<'_>, path: &str) -> Value {
    caller.get(path).send().await.ok(200).json()
}

fn units(apps: &Value) -> usize {
    let of = |app: &Value| app["units"].as_array().map_or(0, Vec::len);
    apps.as_array().unwrap().iter().map(of).sum()
}

#[actix_web::test]
async fn a_thousand_apps_and_two_thousand_units_are_read_without_asking_the_cluster() {
    let (server, cluster) = crowd().await;
    let admin = server.admin().await;
    eventually("all units are seen", PATIENCE, async || units(&get(&admin, ROUTES[0]).await) == 2 * APPS).await;
    let info = get(&admin, ROUTES[3]).await;
    assert_eq!((&info["units"][1]["Status"], &info["units"][1]["Version"]), (&json!("started"), &json!(1)), "{info}");
    let is_whole = async || {
        let last = get(&admin, "/1.0/apps/app-999").await;
        let seen = last["internalAddresses"] != Value::Null && last["processes"] != Value::Null;
        seen && LAST.iter().all(|kind| cluster.asked().iter().any(|asked| asked.contains(kind)))
    };
    eventually("everything else is listed", PATIENCE, is_whole).await;
    let asked = cluster.asked();
    for path in ROUTES {
        assert!(least_reads(&server, &admin, path).await <= MOST_OF_A_READ, "GET {path}");
    }
    let list = get(&admin, ROUTES[0]).await;
    assert_eq!((&list[7]["ip"], list[7]["units"][0]["Status"].as_str()), (&json!("app-104.apps.test"), Some("started")), "{}", list[7]);
    assert_eq!(cluster.asked(), asked);
}

/// How often the store is asked: what is remembered may become too old in between, on a busy machine often.
async fn least_reads(server: &Server, admin: &Caller<'_>, path: &str) -> u64 {
    let commands = server.ctx.store.commands();
    let mut least = u64::MAX;
    for _ in 0..20 {
        let before = commands.reads();
        get(admin, path).await;
        least = least.min(commands.reads() - before);
        if least <= MOST_OF_A_READ {
            break;
        }
    }
    least
}
