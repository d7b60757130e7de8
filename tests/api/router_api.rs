//! Routers that speak the router HTTP API: making them, giving them to apps, and what they are told.

use std::sync::Arc;

use impaas::{
    permission::ContextType::{App as OfApp, Global, Router as OfRouter, Team},
    provisioner::absent::Absent,
};
use serde_json::{Value, json};

use super::{
    deploy::{deploy, server},
    double,
    edge_router::EdgeRouter,
    harness::{Caller, Reply, Server},
    memory::Memory,
    volume::make_team,
};
use crate::server::{PATIENCE, eventually};

const DENIED: &str = "You don't have permission to do this action";
const CERTIFICATE: &str = include_str!("tls/example.crt");
const KEY: &str = include_str!("tls/example.key");
const OTHER_KEY: &str = include_str!("tls/other.key");

async fn make(caller: &Caller<'_>, name: &str, edge: &EdgeRouter) {
    let config = json!({"api-url": format!("{}/api", edge.url), "headers": {"X-A": "hush1"}});
    caller.post("/1.8/routers").json(&json!({"name": name, "type": "api", "config": config})).send().await.ok(201);
}

/// A server with the deployed app `a`, which has the routers `local` and `edge`.
async fn routed() -> (Server, Arc<Memory>, EdgeRouter) {
    let ((server, memory), edge) = (server().await, EdgeRouter::start());
    let admin = server.admin().await;
    make(&admin, "edge", &edge).await;
    deploy(&admin, &[]).await.ok(200);
    let form = [("Address", ""), ("Name", "edge"), ("Opts.class", "fast"), ("Opts.none", ""), ("Status", "")];
    admin.post("/1.5/apps/a/routers").form(&form).send().await.ok(200);
    (server, memory, edge)
}

#[actix_web::test]
async fn a_router_lives_from_add_to_remove() {
    let (server, edge) = (Server::new().await, EdgeRouter::start());
    let admin = server.admin().await;
    make(&admin, "edge", &edge).await;
    let url = &edge.url;
    let one = format!(
        r#"{{"name":"edge","type":"api","info":{{"tls-acme":"Certificates by themselves."}},"config":{{"api-url":"{url}/api","headers":{{"X-A":"hush1"}}}},"readinessGates":null,"dynamic":true,"default":false}}"#
    );
    eventually("the router says what it is", PATIENCE, async || admin.get("/1.3/routers").send().await.ok(200).text.contains(&one)).await;
    assert_eq!(edge.header("x-a").as_deref(), Some("hush1"));
    let change = json!({"config": {"headers": null, "debug": true}});
    admin.put("/1.8/routers/edge").json(&change).send().await.ok(200);
    let config = admin.get("/1.3/routers").send().await.ok(200).json()[0]["config"].clone();
    assert_eq!(config, json!({"api-url": format!("{url}/api"), "debug": true}));
    for collection in ["dynamic_routers", "events"] {
        let stored = format!("{:?}", server.ctx.store.backend().dump(collection).await.unwrap());
        assert!(!stored.contains("hush1"), "{collection}");
    }
    admin.delete("/1.8/routers/edge").send().await.ok(200);
    for method in ["PUT", "DELETE"] {
        admin.request(method, "/1.8/routers/edge").json(&json!({})).send().await.fails(404, "dynamic router not found");
    }
}

#[actix_web::test]
async fn lists_of_apps_know_where_other_routers_have_them_and_forget_it_with_the_router() {
    let (server, _memory, _edge) = routed().await;
    let admin = server.admin().await;
    let listed = admin.get("/1.0/apps").send().await.ok(200).json();
    assert_eq!(listed[0]["routers"][1]["address"], "a.edge.example.com");
    admin.delete("/1.5/apps/a/routers/edge").send().await.ok(200);
    assert!(server.ctx.store.backend().dump("cache").await.unwrap().is_empty());
}

#[actix_web::test]
async fn wrong_routers_are_refused() {
    let settings = "routers:\n  fixed:\n    type: api\n    default: true\n    api-url: http://127.0.0.1:1/api\n";
    let server = Server::with_settings(Arc::new(Absent), settings).await;
    let admin = server.admin().await;
    let required = "dynamic router name and type are required";
    for (body, why) in [
        (json!({"name": "x"}), required),
        (json!({"type": "api"}), required),
        (json!({"name": "x", "type": "galeb"}), "router type \"galeb\" is not registered"),
        (json!({"name": "fixed", "type": "api"}), "router named \"fixed\" already exists in config"),
        (json!({"name": "local", "type": "api"}), "router named \"local\" already exists in config"),
        (json!({"name": "x", "type": "api"}), "config key 'api-url' is not an address: relative URL without a base"),
        (
            json!({"name": "x", "type": "api", "config": {"api-url": "http://x", "headers": {"A": 1}}}),
            "invalid header configuration at key: A. Expected string or array of strings",
        ),
    ] {
        admin.post("/1.8/routers").json(&body).send().await.fails(500, why);
    }
    let right = json!({"name": "x", "type": "api", "config": {"api-url": "http://127.0.0.1:1/"}});
    admin.post("/1.8/routers").json(&right).send().await.ok(201);
    admin.post("/1.8/routers").json(&right).send().await.fails(409, "dynamic router already exists");
    admin.put("/1.8/routers/x").json(&json!({"type": "galeb"})).send().await.fails(500, "router type \"galeb\" is not registered");
    let list = admin.get("/1.3/routers").send().await.ok(200).json();
    let seen: Vec<_> =
        list.as_array().unwrap().iter().map(|router| (router["name"].as_str().unwrap(), router["default"] == true)).collect();
    assert_eq!(seen, [("fixed", true), ("local", false), ("x", false)]);
    let error = list[0]["info"]["error"].as_str().unwrap();
    assert!(error.starts_with("failed to request http://127.0.0.1:1/api/info - "), "{error}");
}

#[actix_web::test]
async fn routers_are_for_those_who_may() {
    let (server, edge) = (Server::new().await, EdgeRouter::start());
    make(&server.admin().await, "edge", &edge).await;
    let body = json!({"name": "new", "type": "api", "config": {"api-url": "http://x"}});
    let member = server.user_with("member@example.com", Team, "demo", &["app"]).await;
    member.post("/1.8/routers").json(&body).send().await.fails(403, DENIED);
    for method in ["PUT", "DELETE"] {
        member.request(method, "/1.8/routers/edge").json(&body).send().await.fails(403, DENIED);
    }
    let seen = member.get("/1.3/routers").send().await.ok(200).json();
    assert_eq!((&seen[0]["name"], &seen[0]["config"]), (&json!("edge"), &Value::Null));
    let other = server.user_with("other@example.com", OfRouter, "other", &["router"]).await;
    other.put("/1.8/routers/edge").json(&json!({})).send().await.fails(403, DENIED);
    other.post("/1.8/routers").json(&body).send().await.fails(403, DENIED);
    let own = server.user_with("own@example.com", OfRouter, "edge", &["router.update", "router.delete"]).await;
    own.put("/1.8/routers/edge").json(&json!({})).send().await.ok(200);
    own.delete("/1.8/routers/edge").send().await.ok(200);
    let maker = server.user_with("maker@example.com", Global, "", &["router.create"]).await;
    maker.post("/1.8/routers").json(&body).send().await.ok(201);
}

#[actix_web::test]
async fn a_router_is_told_of_an_app_as_it_changes() {
    let (server, _memory, edge) = routed().await;
    let admin = server.admin().await;
    let told = edge.backend("a").unwrap();
    let opts = json!({"class": "fast", "tsuru.io/app-pool": "local", "tsuru.io/app-teamowner": "demo", "tsuru.io/app-teams": ["demo"]});
    assert_eq!((&told["opts"], &told["team"], &told["cnames"]), (&opts, &json!("demo"), &json!([])));
    assert_eq!(told["healthcheck"], json!({"Path": "", "TCPOnly": true}));
    let own = "a.edge.example.com";
    let expected = json!({"name": "edge", "opts": {"class": "fast"}, "address": own, "addresses": [own], "type": "api", "status": "ready"});
    eventually("the router says how the app fares", PATIENCE, async || {
        admin.get("/1.5/apps/a/routers").send().await.ok(200).json()[1] == expected
    })
    .await;
    admin.put("/1.5/apps/a/routers/edge").form(&[("Opts.class", "slow")]).send().await.ok(200);
    assert_eq!(edge.backend("a").unwrap()["opts"]["class"], "slow");
    admin.post("/1.0/apps/a/cname").form(&[("cname", "blog.example.com")]).send().await.ok(200);
    assert_eq!(edge.backend("a").unwrap()["cnames"], json!(["blog.example.com"]));
    admin.put("/1.24/apps/a/certissuer").form(&[("cname", "blog.example.com"), ("issuer", "le")]).send().await.ok(200);
    assert_eq!(edge.backend("a").unwrap()["certIssuers"], json!({"blog.example.com": "le"}));
    admin.delete("/1.0/apps/a/cname?cname=blog.example.com").send().await.ok(200);
    assert_eq!((&edge.backend("a").unwrap()["cnames"], edge.backend("a").unwrap().get("certIssuers")), (&json!([]), None));
    edge.breaks(Some("boom"));
    let failed = admin.post("/1.0/apps/a/cname").form(&[("cname", "blog.example.com")]).send().await;
    failed.fails(500, &format!("failed to request {}/api/backend/a - 500 - boom", edge.url));
    assert_eq!(admin.get("/1.0/apps/a").send().await.ok(200).json()["cname"], json!([]));
    edge.breaks(None);
    admin.delete("/1.5/apps/a/routers/edge").send().await.ok(200);
    assert_eq!(edge.backend("a"), None);
    admin.delete("/1.5/apps/a/routers/edge").send().await.fails(404, "router \"edge\" not found");
}

#[actix_web::test]
async fn a_host_name_that_one_router_refuses_is_taken_back_from_the_others() {
    let (server, _memory, edge) = routed().await;
    let (admin, other) = (server.admin().await, EdgeRouter::start());
    make(&admin, "other", &other).await;
    admin.post("/1.5/apps/a/routers").form(&[("Name", "other")]).send().await.ok(200);
    other.breaks(Some("not this one"));
    edge.take_calls();
    let refused = admin.post("/1.0/apps/a/cname").form(&[("cname", "www.example.com")]).send().await;
    assert!(refused.text.contains("not this one"), "{}", refused.text);
    assert_eq!(edge.take_calls().iter().filter(|call| *call == "PUT backend/a").count(), 2);
    assert_eq!(edge.backend("a").unwrap()["cnames"], json!([]));
}

#[actix_web::test]
async fn deploys_and_removals_reach_the_router() {
    let (server, _memory, edge) = routed().await;
    let admin = server.admin().await;
    admin.put("/1.0/apps/a").json(&json!({"tags": ["new"]})).send().await.ok(200);
    let said = deploy(&admin, &[]).await.ok(200).text;
    assert!(said.contains("---- Updating router [edge] ----"), "{said}");
    assert_eq!(edge.backend("a").unwrap()["tags"], json!(["new"]));
    edge.breaks(Some("boom"));
    let failed = admin.post("/1.0/apps/a/routes").send().await;
    failed.fails(500, &format!("failed to request {}/api/backend/a - 500 - boom", edge.url));
    let said = deploy(&admin, &[]).await.ok(200).text;
    assert!(said.contains(&format!("failed to request {}/api/backend/a - 500 - boom", edge.url)), "{said}");
    admin.delete("/1.0/apps/a").send().await.ok(200);
    assert_eq!(edge.backend("a"), None);
}

#[actix_web::test]
async fn apps_take_only_routers_that_there_are_and_that_their_pool_allows() {
    let (server, _memory, edge) = routed().await;
    let admin = server.admin().await;
    let add = |name: &str| admin.post("/1.5/apps/a/routers").form(&[("Name", name.to_owned().as_str())]);
    add("ghost").send().await.fails(404, "router \"ghost\" not found");
    add("edge").send().await.fails(500, "router already linked to this app");
    make(&admin, "second", &edge).await;
    let only = json!({"PoolExpr": "local", "Field": "router", "Values": ["edge", "local"]});
    admin.put("/1.3/constraints").json(&only).send().await.ok(200);
    let text = "router \"second\" is not available for pool \"local\". Available routers are: \"edge, local\"";
    add("second").send().await.fails(400, text);
    let second = [("name", "b"), ("platform", ""), ("teamOwner", "demo"), ("router", "second")];
    admin.post("/1.0/apps").form(&second).send().await.fails(400, text);
    let new = [("name", "b"), ("platform", ""), ("teamOwner", "demo"), ("router", "edge"), ("routeropts.class", "x")];
    admin.post("/1.0/apps").form(&new).send().await.ok(201);
    let routers = admin.get("/1.5/apps/b/routers").send().await.ok(200).json();
    assert_eq!(
        routers,
        json!([{"name": "edge", "opts": {"class": "x"}, "address": "", "addresses": null, "type": "api", "status": "not ready"}])
    );
    let local = json!({"PoolExpr": "local", "Field": "router", "Values": ["local"]});
    admin.put("/1.3/constraints").json(&local).send().await.ok(200);
    let text = "router \"edge\" is not available for pool \"local\". Available routers are: \"local\"";
    admin.put("/1.5/apps/a/routers/edge").form(&[("Opts.class", "slow")]).send().await.fails(400, text);
}

#[actix_web::test]
async fn two_apps_have_a_host_name_only_on_other_routers_and_of_one_team() {
    let (server, edge) = (Server::with(Memory::new()).await, EdgeRouter::start());
    make_team(&server, "other").await;
    let admin = server.admin().await;
    for (app, team, router) in [("a", "demo", "first"), ("b", "demo", "second"), ("c", "other", "third"), ("d", "demo", "first")] {
        if app != "d" {
            make(&admin, router, &edge).await;
        }
        let new = [("name", app), ("platform", "python"), ("teamOwner", team), ("router", router)];
        admin.post("/1.0/apps").form(&new).send().await.ok(201);
    }
    let name = async |app: &str| admin.post(&format!("/1.0/apps/{app}/cname")).form(&[("cname", "x.example.com")]).send().await;
    name("a").await.ok(200);
    name("b").await.ok(200);
    name("c").await.fails_like(500, "cname x.example.com already exists for another app <app> and belongs to a different team owner");
    name("d").await.fails(500, "cname x.example.com already exists for app a using same router");
}

#[actix_web::test]
async fn requests_pass_from_the_router_to_the_app() {
    let apps = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = format!("apps-listen: {}\n", apps.local_addr().unwrap());
    double::run(apps, |app| {
        app.default_service(actix_web::web::to(|request: actix_web::HttpRequest| async move {
            format!("{} {}", request.headers().get("host").unwrap().to_str().unwrap(), request.uri())
        }));
    });
    let (server, edge) = (Server::with_settings(Memory::new(), &settings).await, EdgeRouter::start());
    std::fs::create_dir_all(server.ctx.config.uploads()).unwrap();
    let admin = server.admin().await;
    make(&admin, "edge", &edge).await;
    let new = [("name", "a"), ("platform", "python"), ("teamOwner", "demo"), ("router", "edge")];
    admin.post("/1.0/apps").form(&new).send().await.ok(201);
    admin.post("/1.0/apps/a/cname").form(&[("cname", "blog.example.com")]).send().await.ok(200);
    deploy(&admin, &[]).await.ok(200);
    for host in ["blog.example.com", "a.edge.example.com"] {
        let reply = reqwest::Client::new().get(format!("{}/x?y=1", edge.url)).header("Host", host).send().await.unwrap();
        assert_eq!(reply.text().await.unwrap(), "a.localhost /x?y=1", "{host}");
    }
}

#[actix_web::test]
async fn certificates_go_to_the_router_and_their_keys_nowhere_else() {
    let (server, _memory, edge) = routed().await;
    let admin = server.admin().await;
    for cname in ["blog.example.com", "a.wild.example.com", "elsewhere.example.com"] {
        admin.post("/1.0/apps/a/cname").form(&[("cname", cname)]).send().await.ok(200);
    }
    let set = async |cname: &str, certificate: &str, key: &str| {
        admin.put("/1.2/apps/a/certificate").form(&[("cname", cname), ("certificate", certificate), ("key", key)]).send().await
    };
    admin.get("/1.24/apps/a/certificate").send().await.fails(404, "no router with tls support");
    set("blog.example.com", CERTIFICATE, KEY).await.ok(200);
    set("a.wild.example.com", CERTIFICATE, KEY).await.ok(200);
    assert_eq!(edge.key("a", "blog.example.com").as_deref(), Some(KEY));
    let names = "blog.example.com, *.wild.example.com";
    for (cname, certificate, key, why) in [
        ("", CERTIFICATE, KEY, "You must provide a cname.".to_owned()),
        ("x.example.com", CERTIFICATE, KEY, "invalid name".into()),
        ("elsewhere.example.com", CERTIFICATE, KEY, format!("x509: certificate is valid for {names}, not elsewhere.example.com")),
        ("blog.example.com", CERTIFICATE, OTHER_KEY, "tls: private key does not match public key".into()),
        ("blog.example.com", "no", KEY, "tls: failed to find any PEM data in certificate input".into()),
        ("blog.example.com", CERTIFICATE, "no", "tls: failed to find any PEM data in key input".into()),
    ] {
        set(cname, certificate, key).await.fails(400, &why);
    }
    admin.put("/1.24/apps/a/certissuer").form(&[("cname", "elsewhere.example.com"), ("issuer", "le")]).send().await.ok(200);
    let list = admin.get("/1.24/apps/a/certificate").send().await.ok(200).json();
    let shown = json!({"a.wild.example.com": {"certificate": CERTIFICATE}, "blog.example.com": {"certificate": CERTIFICATE},
                       "elsewhere.example.com": {"certificate": "", "issuer": "le"}});
    assert_eq!(list, json!({"routers": {"edge": {"cnames": shown}}}));
    let old = admin.get("/1.2/apps/a/certificate").send().await.ok(200).json();
    assert_eq!(old, json!({"edge": {"a.wild.example.com": CERTIFICATE, "blog.example.com": CERTIFICATE}}));
    let line = KEY.lines().nth(1).unwrap();
    for collection in server.ctx.store.backend().collections().await.unwrap() {
        let stored = format!("{:?}", server.ctx.store.backend().dump(&collection).await.unwrap());
        assert!(!stored.contains(line), "{collection}");
    }
    admin.delete("/1.2/apps/a/certificate?cname=blog.example.com").send().await.ok(200);
    admin.delete("/1.2/apps/a/certificate?cname=blog.example.com").send().await.fails(400, "Certificate not found");
    admin.delete("/1.2/apps/a/certificate").send().await.fails(400, "You must provide a cname.");
    edge.has_no_tls();
    set("a.wild.example.com", CERTIFICATE, KEY).await.fails(400, "no router with tls support");
    for since in ["1.2", "1.24"] {
        admin.get(&format!("/{since}/apps/a/certificate")).send().await.fails(404, "no router with tls support");
    }
}

/// An app with a host name at two routers that take certificates.
async fn twice_routed() -> (Server, Arc<Memory>, [EdgeRouter; 2]) {
    let ((server, memory, edge), other) = (routed().await, EdgeRouter::start());
    let admin = server.admin().await;
    make(&admin, "other", &other).await;
    admin.post("/1.5/apps/a/routers").form(&[("Name", "other")]).send().await.ok(200);
    admin.post("/1.0/apps/a/cname").form(&[("cname", "blog.example.com")]).send().await.ok(200);
    drop(admin);
    (server, memory, [edge, other])
}

async fn set_certificate(server: &Server) -> Reply {
    let form = [("cname", "blog.example.com"), ("certificate", CERTIFICATE), ("key", KEY)];
    server.admin().await.put("/1.2/apps/a/certificate").form(&form).send().await
}

fn have_it(routers: &[EdgeRouter; 2]) -> [bool; 2] {
    routers.each_ref().map(|router| router.key("a", "blog.example.com").is_some())
}

#[actix_web::test]
async fn a_certificate_that_one_router_refuses_is_at_none_that_had_none_before() {
    let (server, _memory, routers) = twice_routed().await;
    for (full, status, expected) in [(true, 400, false), (false, 200, true), (true, 400, true)] {
        routers[1].is_full(full);
        set_certificate(&server).await.ok(status);
        assert_eq!(have_it(&routers), [expected; 2], "the other router is full: {full}");
    }
}

#[actix_web::test]
async fn a_certificate_is_removed_from_all_routers_also_when_one_has_it_no_more() {
    let (server, _memory, routers) = twice_routed().await;
    set_certificate(&server).await.ok(200);
    routers[0].loses_certificates();
    assert_eq!(have_it(&routers), [false, true]);
    let unset = "/1.2/apps/a/certificate?cname=blog.example.com";
    server.admin().await.delete(unset).send().await.fails(400, "Certificate not found");
    assert_eq!(have_it(&routers), [false; 2]);
}

#[actix_web::test]
async fn issuers_are_set_within_the_pools_constraints() {
    let (server, _memory, edge) = routed().await;
    let admin = server.admin().await;
    admin.post("/1.0/apps/a/cname").form(&[("cname", "x.example.com")]).send().await.ok(200);
    let set = |form: [(&'static str, &'static str); 2]| admin.put("/1.24/apps/a/certissuer").form(&form);
    let missing = "You must provide a cname and a issuer.";
    set([("cname", "x.example.com"), ("issuer", "")]).send().await.fails(400, missing);
    set([("cname", ""), ("issuer", "le")]).send().await.fails(400, missing);
    set([("cname", "y.example.com"), ("issuer", "le")]).send().await.fails(400, "cname does not exist in app (y.example.com)");
    admin.delete("/1.24/apps/a/certissuer").send().await.fails(400, "You must provide a cname.");
    admin.delete("/1.24/apps/a/certissuer?cname=y").send().await.fails(400, "cname does not exist in app (y)");
    let only = json!({"PoolExpr": "local", "Field": "cert-issuer", "Values": ["other", "another"]});
    admin.put("/1.3/constraints").json(&only).send().await.ok(200);
    let refused = "cert issuer not allowed by constraints of this pool. ";
    set([("cname", "x.example.com"), ("issuer", "le")]).send().await.fails(500, &format!("{refused}allowed values: other, another"));
    let others = json!({"PoolExpr": "local", "Field": "cert-issuer", "Values": ["le", "me"], "Blacklist": true});
    admin.put("/1.3/constraints").json(&others).send().await.ok(200);
    set([("cname", "x.example.com"), ("issuer", "le")]).send().await.fails(500, &format!("{refused}not allowed values: le, me"));
    set([("cname", "x.example.com"), ("issuer", "other")]).send().await.ok(200);
    assert_eq!(edge.backend("a").unwrap()["certIssuers"], json!({"x.example.com": "other"}));
    admin.delete("/1.24/apps/a/certissuer?cname=x.example.com").send().await.ok(200);
    assert_eq!(edge.backend("a").unwrap().get("certIssuers"), None);
    let stranger = server.user_with("stranger@example.com", OfApp, "other", &["app", "certissuer"]).await;
    stranger.put("/1.24/apps/a/certissuer").form(&[("cname", "x.example.com"), ("issuer", "other")]).send().await.fails(403, DENIED);
    stranger.delete("/1.24/apps/a/certissuer?cname=x.example.com").send().await.fails(403, DENIED);
}
