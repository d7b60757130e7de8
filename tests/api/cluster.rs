//! Clusters, and what brokers of several clusters are told.

use impaas::{cluster::Cluster, permission::ContextType::Global, store::Filter};
use serde_json::{Value, json};

use super::{broker::Broker, harness::Server};

const DENIED: &str = "You don't have permission to do this action";

fn k1() -> Value {
    json!({
        "name": "k1", "provisioner": "kubernetes", "addresses": ["https://127.0.0.1:6443"], "cacert": "Y2E=", "clientcert": "Y2VydA==",
        "clientkey": "aHVzaDE=", "custom_data": {"token": "hush2", "registry": "r"}, "default": true,
    })
}

#[actix_web::test]
async fn a_cluster_lives_from_add_to_remove_and_its_keys_are_not_read_back() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let added = admin.post("/1.3/provisioner/clusters").header("accept", "application/x-json-stream").json(&k1()).send().await.ok(200);
    assert_eq!((added.header("content-type"), added.text.as_str()), (Some("application/x-json-stream"), ""));
    let mut shown = k1();
    (shown["clientkey"], shown["custom_data"]["token"]) = (json!("KioqKio="), json!("*****"));
    (shown["pools"], shown["local"]) = (Value::Null, json!(false));
    let info = admin.get("/1.8/provisioner/clusters/k1").send().await.ok(200).json();
    assert_eq!(info, shown);
    assert_eq!(admin.get("/1.3/provisioner/clusters").send().await.ok(200).json(), json!([shown]));
    let reader = server.user_with("reader@example.com", Global, "", &["cluster.read"]).await;
    let seen = reader.get("/1.3/provisioner/clusters").send().await.ok(200).json();
    assert_eq!((&seen[0]["clientkey"], &seen[0]["custom_data"]), (&Value::Null, &json!({"registry": "r"})));

    let mut changed = info;
    (changed["addresses"], changed["custom_data"]["registry"]) = (json!(["https://other:6443"]), json!("r2"));
    admin.post("/1.4/provisioner/clusters/k1").json(&changed).send().await.ok(200);
    let stored = server.ctx.store.of::<Cluster>().get(Filter::id("k1")).await.unwrap().unwrap();
    assert_eq!((stored.client_key.0.as_slice(), stored.custom_data["token"].0.expose()), (b"hush1".as_slice(), "hush2"));
    assert_eq!(stored.addresses, ["https://other:6443"]);
    changed["custom_data"].as_object_mut().unwrap().remove("token");
    changed["clientkey"] = Value::Null;
    admin.post("/1.4/provisioner/clusters/k1").json(&changed).send().await.ok(200);
    let stored = server.ctx.store.of::<Cluster>().get(Filter::id("k1")).await.unwrap().unwrap();
    assert!(stored.client_key.is_empty() && !stored.custom_data.contains_key("token"));

    admin.delete("/1.3/provisioner/clusters/k1").send().await.ok(200);
    admin.get("/1.8/provisioner/clusters/k1").send().await.fails(404, "cluster not found");
    admin.post("/1.4/provisioner/clusters/k1").json(&k1()).send().await.fails(404, "cluster not found");
    admin.delete("/1.3/provisioner/clusters/k1").send().await.fails(404, "cluster not found");
}

#[actix_web::test]
async fn secrets_of_clusters_are_sealed_and_not_in_events() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let mut cluster = k1();
    cluster["custom_data"] = json!({"token": "hush2", "password": "hush3"});
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
    let config = json!({"name": "k2", "provisioner": "kubernetes", "pools": ["local"],
        "kubeConfig": {"cluster": {"server": "https://x"}, "user": {"token": "hush4", "username": "me"}}});
    admin.post("/1.3/provisioner/clusters").json(&config).send().await.ok(200);
    let shown = admin.get("/1.8/provisioner/clusters/k2").send().await.ok(200).json();
    assert_eq!(shown["kubeConfig"], json!({"cluster": {"server": "https://x"}, "user": {"token": "*****", "username": "me"}}));
    admin.post("/1.4/provisioner/clusters/k2").json(&shown).send().await.ok(200);
    let stored = server.ctx.store.of::<Cluster>().get(Filter::id("k2")).await.unwrap().unwrap();
    assert_eq!(stored.kube_config.unwrap()["user"]["token"], "hush4");
    for collection in ["provisioner_clusters", "events"] {
        let dump = format!("{:?}", server.ctx.store.backend().dump(collection).await.unwrap());
        assert!(!dump.contains("hush") && !dump.contains("aHVzaDE"), "{collection}: {dump}");
    }
    let events = admin.get("/1.1/events?target.type=cluster").send().await.ok(200).text;
    assert!(!events.contains("hush") && !events.contains("aHVzaDE"));
}

#[actix_web::test]
async fn wrong_clusters_are_refused_with_the_words_of_the_contract() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let name = "Invalid cluster name, cluster name should have at most 40 characters, containing only lower case letters, numbers or dashes, starting with a letter.";
    for (change, status, why) in [
        (json!({"name": " "}), 400, "cluster name is mandatory"),
        (json!({"name": "K 1"}), 400, name),
        (json!({"provisioner": ""}), 400, "provisioner name is mandatory"),
        (json!({"pools": ["local"]}), 400, "cannot have both pools and default set"),
        (json!({"default": false}), 400, "either default or a list of pools must be set"),
        (json!({"provisioner": "swarm"}), 400, "provisioner error: unknown provisioner: \"swarm\""),
        (json!({"pools": ["moon"], "default": false}), 404, "Pool does not exist."),
        (
            json!({"custom_data": {"single-pool": "true"}}),
            500,
            "only one pool is allowed to use entire cluster as single-pool. 0 pools found",
        ),
        (json!({"clientkey": "?"}), 400, "illegal base64 data: Invalid symbol 63, offset 0."),
    ] {
        let mut body = k1();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admin.post("/1.3/provisioner/clusters").json(&body).send().await.fails(status, why);
    }
    let body = json!({"name": "k", "provisioner": "kubernetes", "default": true, "kubeConfig": {"cluster": {}, "user": {}}});
    admin.post("/1.3/provisioner/clusters").json(&body).send().await.fails(500, "kubeConfig.cluster.server field is required");
    let form = "Invalid Content-Type \"application/x-www-form-urlencoded\"";
    admin.post("/1.3/provisioner/clusters").form(&[("name", "k1")]).send().await.fails(500, form);
    admin.post("/1.3/provisioner/clusters").json(&k1()).send().await.ok(200);
    admin.post("/1.3/provisioner/clusters").json(&k1()).send().await.fails(409, "cluster already exists");
    admin.post("/1.4/provisioner/clusters/k1").form(&[("name", "k1")]).send().await.fails(500, form);
    let nowhere = json!({"provisioner": "kubernetes"});
    let text = "either default or a list of pools must be set";
    admin.post("/1.4/provisioner/clusters/k1").json(&nowhere).send().await.fails(400, text);
    let moon = json!({"provisioner": "kubernetes", "pools": ["moon"]});
    admin.post("/1.4/provisioner/clusters/k1").json(&moon).send().await.fails(400, "Pool does not exist.");
}

#[actix_web::test]
async fn clusters_are_for_those_who_may() {
    let server = Server::new().await;
    let reader = server.user_with("reader@example.com", Global, "", &["cluster.read"]).await;
    reader.post("/1.3/provisioner/clusters").json(&k1()).send().await.fails(403, DENIED);
    reader.post("/1.4/provisioner/clusters/k1").json(&k1()).send().await.fails(403, DENIED);
    reader.delete("/1.3/provisioner/clusters/k1").send().await.fails(403, DENIED);
}

#[actix_web::test]
async fn a_pool_has_one_cluster_and_one_is_the_default() {
    let server = Server::new().await;
    let admin = server.admin().await;
    for (name, more) in [
        ("a", json!({"pools": ["local"]})),
        ("b", json!({"pools": ["local"]})),
        ("c", json!({"default": true})),
        ("d", json!({"default": true})),
    ] {
        let mut body = json!({"name": name, "provisioner": "kubernetes"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.post("/1.3/provisioner/clusters").json(&body).send().await.ok(200);
    }
    let list = admin.get("/1.3/provisioner/clusters").send().await.ok(200).json();
    let seen: Vec<_> = list.as_array().unwrap().iter().map(|cluster| (cluster["pools"].clone(), cluster["default"] == true)).collect();
    assert_eq!(seen, [(Value::Null, false), (json!(["local"]), false), (Value::Null, false), (Value::Null, true)]);
}

#[actix_web::test]
async fn apps_of_a_pool_without_cluster_say_so() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/pools").json(&json!({"name": "kube", "provisioner": "kubernetes", "public": true})).send().await.ok(201);
    admin.post("/1.0/apps").json(&json!({"name": "hello", "teamOwner": "demo", "pool": "kube", "router": "none"})).send().await.ok(201);
    let info = admin.get("/1.0/apps/hello").send().await.ok(200).json();
    assert_eq!((&info["provisioner"], &info["error"], &info["units"]), (&json!("kubernetes"), &json!("no cluster"), &json!([])));
    let restarted = admin.post("/1.0/apps/hello/restart").form(&[]).send().await;
    assert!(restarted.text.contains("no cluster"), "{restarted:?}");
}

#[actix_web::test]
async fn brokers_of_several_clusters_are_asked_at_the_clusters_own_address() {
    let (server, general, own) = (Server::new().await, Broker::start(), Broker::start());
    let admin = server.admin().await;
    let endpoints = json!({"production": general.url, "k1": own.url});
    let multi = json!({"id": "mysql", "username": "u", "password": "p", "team": "demo", "endpoints": endpoints, "multi-cluster": true});
    admin.post("/1.0/services").json(&multi).send().await.ok(201);
    admin.get("/1.0/services/mysql/plans?pool=local").send().await.ok(200);
    assert_eq!(general.seen()[0].headers["x-tsuru-pool-name"], "local");
    let mut cluster = k1();
    (cluster["pools"], cluster["default"]) = (json!(["local"]), json!(false));
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
    // The pool's provisioner decides which clusters it can be in.
    let kube = impaas::store::Update::set("provisioner", "kubernetes");
    server.ctx.store.of::<impaas::pool::Pool>().update(Filter::id("local"), kube).await.unwrap();
    admin.get("/1.0/services/mysql/plans?pool=local").send().await.ok(200);
    let asked = own.seen().remove(0);
    let told = ["x-tsuru-pool-name", "x-tsuru-cluster-name", "x-tsuru-cluster-provisioner", "x-tsuru-cluster-addresses"];
    assert_eq!(told.map(|name| asked.headers[name].as_str()), ["local", "k1", "kubernetes", "https://127.0.0.1:6443"]);
    assert!(general.seen().is_empty());
}

#[actix_web::test]
async fn apps_of_a_cluster_never_get_the_router_of_this_machine() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.0/pools").json(&json!({"name": "kube", "provisioner": "kubernetes", "public": true})).send().await.ok(201);
    let make = async |name: &str, pool: &str, router: &str| {
        admin.post("/1.0/apps").json(&json!({"name": name, "teamOwner": "demo", "pool": pool, "router": router})).send().await
    };
    make("a", "kube", "").await.fails(500, "No default router found");
    make("a", "kube", "local").await.fails(400, "no router found for pool");
    let edge = json!({"name": "edge", "type": "ingress", "config": {"domain": "apps.example.com"}});
    admin.post("/1.8/routers").json(&edge).send().await.ok(201);
    make("a", "kube", "").await.ok(201);
    let info = admin.get("/1.0/apps/a").send().await.ok(200).json();
    assert_eq!((&info["routers"][0]["name"], &info["routers"][0]["status"]), (&json!("edge"), &json!("not ready")));
    let text = "router \"edge\" is not available for pool \"local\". Available routers are: \"local\"";
    make("b", "local", "edge").await.fails(400, text);
    let second = json!({"name": "second", "type": "ingress", "config": {"domain": "other.example.com"}});
    admin.post("/1.8/routers").json(&second).send().await.ok(201);
    let added = admin.post("/1.5/apps/a/routers").form(&[("name", "second")]).send().await;
    added.fails(400, "router \"second\" writes objects of the same names as \"edge\": give one of them another `instance`");
    let wrong = json!({"name": "wrong", "type": "ingress", "config": {"domian": "x"}});
    let refused = admin.post("/1.8/routers").json(&wrong).send().await;
    assert!(refused.status == 500 && refused.text.contains("config key \"domian\" is not known"), "{refused:?}");
}

#[actix_web::test]
async fn what_a_cluster_would_not_do_is_refused_by_name_when_it_is_entered_and_when_it_is_changed() {
    let server = Server::new().await;
    let admin = server.admin().await;
    admin.post("/1.3/provisioner/clusters").json(&k1()).send().await.ok(200);
    for (key, value, why) in [
        ("disable-pdbs", "true", "is not known"),
        ("dev:max-surge", "lots", ": \"lots\" is neither a number nor a percentage"),
        ("dev:registry", "r", ": \"registry\" is of the whole cluster and not of \"dev\" alone"),
        ("pre-stop-sleep", "-1", ": seconds are wanted, 0 to 3600"),
    ] {
        let why = format!("custom data {key:?}{}{why}", if why.starts_with(':') { "" } else { " " });
        let mut body = k1();
        body["custom_data"][key] = value.into();
        admin.post("/1.4/provisioner/clusters/k1").json(&body).send().await.fails(400, &why);
        body["name"] = "k2".into();
        admin.post("/1.3/provisioner/clusters").json(&body).send().await.fails(400, &why);
    }
    let mut body = k1();
    body["custom_data"] = json!({"dev:max-surge": "10%", "topology-spread-constraints": r#"[{"maxSkew": 1, "topologyKey": "zone"}]"#});
    admin.post("/1.4/provisioner/clusters/k1").json(&body).send().await.ok(200);
}

#[actix_web::test]
async fn a_kubeconfig_may_not_reach_into_the_servers_machine_unless_the_settings_trust_it() {
    let reaching = |user: Value| json!({"name": "k", "provisioner": "kubernetes", "default": true, "kubeConfig": {"cluster": {"server": "https://x"}, "user": user}});
    let server = Server::new().await;
    let admin = server.admin().await;
    let program = reaching(json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh"}}));
    for (name, config) in [("exec", program.clone()), ("tokenFile", reaching(json!({"tokenFile": "/etc/passwd"})))] {
        let refused = admin.post("/1.3/provisioner/clusters").json(&config).send().await;
        assert!(refused.status == 400 && refused.text.starts_with(&format!("kubeConfig.user.{name} would run programs")), "{refused:?}");
    }
    let trusting =
        Server::with_settings(std::sync::Arc::new(impaas::provisioner::absent::Absent), "kubernetes: {trust-kubeconfigs: true}").await;
    trusting.admin().await.post("/1.3/provisioner/clusters").json(&program).send().await.ok(200);
}

#[actix_web::test]
async fn the_password_of_a_clusters_proxy_is_not_read_back() {
    let server = Server::new().await;
    let admin = server.admin().await;
    let mut cluster = k1();
    cluster["httpProxy"] = "socks5://127.0.0.1:1".into();
    let why = "httpProxy is no address of a proxy, for example http://proxy:3128";
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.fails(400, why);
    cluster["httpProxy"] = "http://me:hush5@127.0.0.1:1".into();
    admin.post("/1.3/provisioner/clusters").json(&cluster).send().await.ok(200);
    let shown = admin.get("/1.8/provisioner/clusters/k1").send().await.ok(200).json();
    assert_eq!(shown["httpProxy"], "http://me:*****@127.0.0.1:1");
    admin.post("/1.4/provisioner/clusters/k1").json(&shown).send().await.ok(200);
    let stored = server.ctx.store.of::<Cluster>().get(Filter::id("k1")).await.unwrap().unwrap();
    assert_eq!(stored.http_proxy, "http://me:hush5@127.0.0.1:1");
    for collection in ["provisioner_clusters", "events"] {
        assert!(!format!("{:?}", server.ctx.store.backend().dump(collection).await.unwrap()).contains("hush5"), "{collection}");
    }
}
