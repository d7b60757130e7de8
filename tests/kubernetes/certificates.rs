//! Certificates of apps' host names: set by hand, and made by cert-manager, at an ingress and at a gateway.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    PATIENCE, World,
    routing::{answering, answers, routers, served, text},
};
use crate::server::eventually;

const CERTIFICATE: &str = include_str!("../api/tls/example.crt");
const KEY: &str = include_str!("../api/tls/example.key");
/// Of `*.issued.test`.
const OTHER: [&str; 2] = [include_str!("../api/tls/issued.crt"), include_str!("../api/tls/issued.key")];

#[actix_web::test]
async fn an_app_that_goes_leaves_neither_ingress_nor_certificate() {
    let Some(world) = served().await else { return };
    let cname = format!("{}.wild.example.com", world.name);
    world.cname("POST", &cname).await;
    set_certificate(&world, &cname).await;
    assert_eq!(world.names_of("secret"), [format!("kr-{}-{cname}", world.name)]);
    world.server.admin().await.delete(&format!("/1.0/apps/{}", world.name)).send().await.ok(200);
    eventually("nothing is left", PATIENCE, async || world.names_of("ingress,secret").is_empty()).await;
}

async fn set_certificate(world: &World, cname: &str) {
    set_pair(world, cname, [CERTIFICATE, KEY]).await;
}

async fn set_pair(world: &World, cname: &str, [certificate, key]: [&str; 2]) {
    let form = [("cname", cname), ("certificate", certificate), ("key", key)];
    world.server.admin().await.put(&format!("/1.2/apps/{}/certificate", world.name)).form(&form).send().await.ok(200);
}

#[actix_web::test]
async fn a_certificate_set_by_hand_is_a_secret_that_the_ingress_names() {
    let Some(world) = served().await else { return };
    let (admin, cname) = (world.server.admin().await, format!("{}.wild.example.com", world.name));
    world.cname("POST", &cname).await;
    set_certificate(&world, &cname).await;
    let (own, secret) = (format!("kubernetes-router-cname-{cname}"), format!("kr-{}-{cname}", world.name));
    let tls = json!([{"hosts": [cname], "secretName": secret}]);
    assert_eq!(world.one("ingress", &own)["spec"]["tls"], tls);
    let made = world.one("secret", &secret);
    let labels = json!({"tsuru.io/app-name": world.name, "tsuru.io/domain-name": cname});
    assert_eq!((&made["type"], &made["metadata"]["labels"]), (&json!("kubernetes.io/tls"), &labels));
    world.rebuild().await;
    assert_eq!(world.one("ingress", &own)["spec"]["tls"], tls, "a rebuild forgot the certificate");
    let path = format!("/1.24/apps/{}/certificate", world.name);
    let listed = admin.get(&path).send().await.ok(200).json();
    assert!(listed.to_string().contains("BEGIN CERTIFICATE"), "{listed}");
    admin.delete(&format!("/1.2/apps/{}/certificate?cname={cname}", world.name)).send().await.ok(200);
    assert_eq!((world.names_of("secret").len(), world.one("ingress", &own)["spec"].get("tls")), (0, None));
    admin.delete(&format!("/1.2/apps/{}/certificate?cname={cname}", world.name)).send().await.fails(400, "Certificate not found");
    world.opts("edge", json!({"tls-acme-cname": "true"})).await;
    let form = [("cname", cname.as_str()), ("certificate", CERTIFICATE), ("key", KEY)];
    let refused = admin.put(&format!("/1.2/apps/{}/certificate", world.name)).form(&form).send().await;
    refused.fails(400, &format!("cannot add certificate to ingress {own}, it is managed by ACME"));
}

/// The first certificate of a chain.
fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().skip(1).take_while(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

/// The certificate that the app answers with, on a new connection: an old one shows the certificate that it began with.
async fn shown(host: &str, at: SocketAddr) -> Option<Vec<u8>> {
    let client = reqwest::Client::builder().resolve(host, at).danger_accept_invalid_certs(true).tls_info(true).build().unwrap();
    let reply = client.get(format!("https://{host}:{}/", at.port())).send().await.ok()?;
    let certificate = reply.extensions().get::<reqwest::tls::TlsInfo>().and_then(|info| info.peer_certificate().map(<[u8]>::to_vec));
    if text(Ok(reply)).await == "it works\n" { certificate } else { None }
}

#[actix_web::test]
async fn requests_are_served_with_the_certificate_that_was_set_by_hand() {
    let Some((world, _, tls)) = answering().await else { return };
    let cname = format!("{}.wild.example.com", world.name);
    world.cname("POST", &cname).await;
    set_certificate(&world, &cname).await;
    let expected = der(CERTIFICATE);
    eventually("the certificate is shown", PATIENCE, async || shown(&cname, tls).await.as_ref() == Some(&expected)).await;
}

#[actix_web::test]
async fn an_issuer_makes_the_certificate_that_requests_are_served_with_until_one_is_set_by_hand() {
    let Some((world, _, tls)) = answering().await else { return };
    let (cname, admin) = (format!("{}.issued.test", world.name), world.server.admin().await);
    world.cname("POST", &cname).await;
    let form = [("cname", cname.as_str()), ("issuer", "pebble")];
    admin.put(&format!("/1.24/apps/{}/certissuer", world.name)).form(&form).send().await.ok(200);
    let made = world.one("ingress", &format!("kubernetes-router-cname-{cname}"));
    let annotations =
        json!({"cert-manager.io/common-name": cname, "cert-manager.io/cluster-issuer": "pebble", "tsuru.io/app-teamowner": "demo"});
    assert_eq!(made["metadata"]["annotations"], annotations);
    let path = format!("/1.24/apps/{}/certificate", world.name);
    let listed = async || admin.get(&path).send().await.ok(200).json()["routers"]["edge"]["cnames"][&cname].clone();
    eventually("the certificate is made", PATIENCE, async || listed().await["certificate"].as_str().is_some_and(|pem| !pem.is_empty()))
        .await;
    assert_eq!(listed().await["issuer"], "pebble");
    let expected = der(listed().await["certificate"].as_str().unwrap());
    eventually("it is shown", PATIENCE, async || shown(&cname, tls).await.as_ref() == Some(&expected)).await;
    assert!(is_by_pebble(&expected));
    admin.delete(&format!("/1.24/apps/{}/certissuer?cname={cname}", world.name)).send().await.ok(200);
    set_pair(&world, &cname, OTHER).await;
    assert!(world.names_of("certificate").is_empty(), "cert-manager would make it again");
    let by_hand = der(OTHER[0]);
    eventually("the other one is shown", PATIENCE, async || shown(&cname, tls).await.as_ref() == Some(&by_hand)).await;
}

/// The ACME server's authority signed it: its name is different at each start, but for this.
fn is_by_pebble(certificate: &[u8]) -> bool {
    let name = b"Pebble Intermediate CA";
    certificate.windows(name.len()).any(|part| part == name)
}

#[actix_web::test]
async fn an_apps_own_name_has_a_certificate_by_itself() {
    let Some((world, _, tls)) = answering().await else { return };
    world.opts("edge", json!({"tls-acme": "true", "cert-manager.io/cluster-issuer": "pebble"})).await;
    let own = format!("{}.apps.test", world.name);
    let made = async || shown(&own, tls).await.is_some_and(|certificate| is_by_pebble(&certificate));
    eventually("the certificate is shown", PATIENCE, made).await;
    assert_eq!(routers(&world, &world.server.admin().await).await[0]["address"], format!("https://{own}"));
}

/// Gives the app a router of this name, at the gateway of the test cluster, in place of its own.
async fn at_gateway(world: &World, name: &str, more: Value) {
    world.server.admin().await.delete(&format!("/1.5/apps/{}/routers/edge", world.name)).send().await.ok(200);
    also_at_gateway(world, name, more).await;
}

/// The same, beside its own.
async fn also_at_gateway(world: &World, name: &str, more: Value) {
    let mut config = json!({"domain": format!("{name}.test"), "gateway": "traefik/traefik"});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let admin = world.server.admin().await;
    admin.post("/1.8/routers").json(&json!({"name": name, "type": "ingress", "config": config})).send().await.ok(201);
    admin.post(&format!("/1.5/apps/{}/routers", world.name)).form(&[("name", name)]).send().await.ok(200);
}

/// At a controller that serves every gateway of its class.
fn of_class() -> Value {
    json!({"gateway-class": "traefik"})
}

#[actix_web::test]
async fn a_gateway_serves_with_the_certificate_that_was_set_by_hand() {
    let Some((world, plain, tls)) = answering().await else { return };
    let (app, admin, cname) = (&world.name, world.server.admin().await, format!("{}.wild.example.com", world.name));
    at_gateway(&world, "gate", of_class()).await;
    world.cname("POST", &cname).await;
    assert!(world.names_of("gateway").is_empty(), "without a certificate");
    set_certificate(&world, &cname).await;
    let (secret, own) = (format!("kube-router-{app}-{cname}-tls"), format!("kube-router-{app}"));
    let made = world.one("gateway", &own);
    assert_eq!((world.names_of("secret"), &made["spec"]["gatewayClassName"]), (vec![secret], &json!("traefik")));
    let expected = der(CERTIFICATE);
    eventually("the certificate is shown", PATIENCE, async || shown(&cname, tls).await.as_ref() == Some(&expected)).await;
    answers(&plain, &cname).await;
    world.rebuild().await;
    assert_eq!(world.one("gateway", &own)["metadata"]["generation"], made["metadata"]["generation"], "written twice");
    let listed = admin.get(&format!("/1.24/apps/{app}/certificate")).send().await.ok(200).json();
    assert_eq!(listed["routers"]["gate"]["cnames"][&cname]["certificate"], CERTIFICATE);
    let unset = format!("/1.2/apps/{app}/certificate?cname={cname}");
    admin.delete(&unset).send().await.ok(200);
    assert!(world.names_of("gateway,secret").is_empty());
    let route = world.one("httproute", &format!("kube-router-{app}-{cname}-cname"));
    assert_eq!(route["spec"]["parentRefs"].as_array().unwrap().len(), 1);
    admin.delete(&unset).send().await.fails(400, "Certificate not found");
    let issuer = [("cname", cname.as_str()), ("issuer", "pebble")];
    admin.put(&format!("/1.24/apps/{app}/certissuer")).form(&issuer).send().await.ok(200);
    let form = [("cname", cname.as_str()), ("certificate", CERTIFICATE), ("key", KEY)];
    let refused = format!("cannot add certificate to HTTPRoute kube-router-{app}-{cname}-cname, it is managed by cert-manager");
    admin.put(&format!("/1.2/apps/{app}/certificate")).form(&form).send().await.fails(400, &refused);
}

#[actix_web::test]
async fn a_gateway_serves_with_the_certificate_that_an_issuer_makes() {
    let Some((world, _, tls)) = answering().await else { return };
    let (app, admin, cname) = (&world.name, world.server.admin().await, format!("{}.issued.test", world.name));
    at_gateway(&world, "issued", of_class()).await;
    world.cname("POST", &cname).await;
    let issuer = |name: &'static str| [("cname", cname.as_str()), ("issuer", name)];
    let path = format!("/1.24/apps/{app}/certissuer");
    let refused = format!("could not ensure CName: {cname:?}: issuer nobody not found");
    admin.put(&path).form(&issuer("nobody")).send().await.fails(500, &refused);
    admin.put(&path).form(&issuer("pebble")).send().await.ok(200);
    let made = world.one("certificate", &format!("kube-router-{app}-{cname}-tls"));
    assert_eq!(made["spec"]["issuerRef"], json!({"name": "pebble", "kind": "ClusterIssuer", "group": "cert-manager.io"}));
    let by_pebble = async |host: &str| shown(host, tls).await.is_some_and(|certificate| is_by_pebble(&certificate));
    eventually("the certificate is shown", PATIENCE, async || by_pebble(&cname).await).await;
    world.opts("issued", json!({"tls-acme": "true", "cert-manager.io/cluster-issuer": "pebble"})).await;
    eventually("the app's own name has one", PATIENCE, async || by_pebble(&format!("{app}.issued.test")).await).await;
    eventually("the router is ready", PATIENCE, async || routers(&world, &admin).await[0]["status"] == "ready").await;
    world.cname("DELETE", &cname).await;
    assert_eq!(world.names_of("certificate"), [format!("kube-router-{app}-{app}.issued.test-tls")]);
    admin.delete(&format!("/1.5/apps/{app}/routers/issued")).send().await.ok(200);
    assert!(world.names_of("certificate,gateway,httproute").is_empty());
}

#[actix_web::test]
async fn without_a_class_a_gateway_is_given_a_set_of_listeners() {
    let Some(world) = served().await else { return };
    let (app, admin, cname) = (&world.name, world.server.admin().await, format!("{}.wild.example.com", world.name));
    at_gateway(&world, "sets", json!({"https-port": 8443})).await;
    world.cname("POST", &cname).await;
    set_certificate(&world, &cname).await;
    let spec = &world.one("listenerset", &format!("kube-router-{app}"))["spec"];
    let parent = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "traefik", "name": "traefik"});
    let listener = &spec["listeners"][0];
    assert_eq!((&spec["parentRef"], &listener["hostname"], &listener["port"]), (&parent, &json!(cname), &json!(8443)));
    let parents = &world.one("httproute", &format!("kube-router-{app}-{cname}-cname"))["spec"]["parentRefs"];
    assert_eq!((&parents[0]["kind"], &parents[1]["kind"]), (&json!("Gateway"), &json!("ListenerSet")));
    admin.delete(&format!("/1.0/apps/{app}")).send().await.ok(200);
    eventually("nothing is left", PATIENCE, async || world.names_of("listenerset,httproute,secret").is_empty()).await;
}

#[actix_web::test]
async fn a_certificate_that_the_gateway_cannot_take_is_not_at_the_ingress_either() {
    let Some(world) = served().await else { return };
    let (app, admin, cname) = (&world.name, world.server.admin().await, format!("{}.wild.example.com", world.name));
    also_at_gateway(&world, "beside", json!({})).await;
    world.cname("POST", &cname).await;
    world.real.kubectl(&["delete", "httproute", &format!("kube-router-{app}-{cname}-cname"), "-n", app]);
    let form = [("cname", cname.as_str()), ("certificate", CERTIFICATE), ("key", KEY)];
    let refused = format!("cname {cname} is not reached by this router yet: the app waits for a deploy");
    admin.put(&format!("/1.2/apps/{app}/certificate")).form(&form).send().await.fails(400, &refused);
    assert!(world.names_of("secret").is_empty());
    assert_eq!(world.one("ingress", &format!("kubernetes-router-cname-{cname}"))["spec"].get("tls"), None);
}
