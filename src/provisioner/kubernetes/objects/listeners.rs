//! Where a gateway takes requests to host names of an app that have certificates of their own: in a `ListenerSet` of the gateway, or, at
//! controllers that know no such things, in a gateway of the app.

use std::collections::BTreeMap;

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    certificate,
    custom::{Custom, Kind},
    http_route::{self, HttpRoute},
    meta, names,
    routing::CNAMES,
    some,
};
use crate::provisioner::routes::{Edge, Gateway};

/// The definition that a cluster with sets of listeners has.
pub const CRD: &str = "listenersets.gateway.networking.k8s.io";

/// Host names, each with the secret of its certificate.
pub type Secured = BTreeMap<String, String>;

/// What can have the listeners of an app.
pub trait Listens: Kind {
    /// What an object of this kind says.
    fn spec(gateway: &Gateway, listeners: Vec<Value>) -> Value;
}

/// Listeners of a gateway that is somebody else's.
#[derive(Clone, Copy, Debug)]
pub struct ListenerSet;

impl Kind for ListenerSet {
    const GROUP: &'static str = http_route::GROUP;
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "ListenerSet";
    const PLURAL: &'static str = "listenersets";
}

impl Listens for ListenerSet {
    fn spec(gateway: &Gateway, listeners: Vec<Value>) -> Value {
        let parent = http_route::parent(OwnGateway::KIND, &gateway.namespace, &gateway.name);
        json!({"parentRef": parent, "listeners": listeners})
    }
}

/// A gateway of the app.
#[derive(Clone, Copy, Debug)]
pub struct OwnGateway;

impl Kind for OwnGateway {
    const GROUP: &'static str = http_route::GROUP;
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "Gateway";
    const PLURAL: &'static str = "gateways";
}

impl Listens for OwnGateway {
    fn spec(gateway: &Gateway, listeners: Vec<Value>) -> Value {
        json!({"gatewayClassName": gateway.class, "listeners": listeners})
    }
}

/// The kind that has the listeners of apps at this gateway.
pub fn kind(gateway: &Gateway) -> &'static str {
    if gateway.class.is_some() { OwnGateway::KIND } else { ListenerSet::KIND }
}

/// The listeners for these host names of the app whose main route is `main`.
pub fn of<K: Listens>(main: &HttpRoute, (edge, gateway): (&Edge, &Gateway), app: &str, secured: &Secured) -> Custom<K> {
    let namespace = main.namespace().unwrap_or_default();
    let mut metadata = meta(names::listeners(app, &edge.instance), &namespace, http_route::common_labels(main));
    // By some of them cert-manager would make certificates over those that were set by hand.
    let mut annotations = main.annotations().clone();
    annotations.retain(|name, _| !name.starts_with(certificate::GROUP) && name != CNAMES);
    metadata.annotations = some(annotations);
    let listeners = secured.iter().map(|(host, secret)| listener(host, secret, gateway.port)).collect();
    Custom::new(metadata, K::spec(gateway, listeners))
}

/// With everything that the API server would fill in.
fn listener(host: &str, secret: &str, port: u16) -> Value {
    json!({
        "name": host.replace('*', "wildcard"),
        "hostname": host,
        "port": port,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": secret}]},
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    })
}

/// The host names that an object has listeners for.
pub fn secured<K: Kind>(object: &Custom<K>) -> Secured {
    let listeners = object.spec.get("listeners").and_then(Value::as_array).into_iter().flatten();
    let text = |listener: &Value, place: &str| Some(listener.pointer(place)?.as_str()?.to_owned());
    listeners.filter_map(|one| Some((text(one, "/hostname")?, text(one, "/tls/certificateRefs/0/name")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> HttpRoute {
        serde_json::from_value(json!({"metadata": {"name": "kube-router-a", "namespace": "ns",
            "labels": {"tsuru.io/app-name": "a", "router.tsuru.io/http-only": "false", "router.tsuru.io/base-service-name": "a-web"},
            "annotations": {"x/y": "1", "cert-manager.io/cluster-issuer": "c", "router.tsuru.io/cnames": "c.org"}}}))
        .unwrap()
    }

    fn wanted() -> Secured {
        [("*.c.org".to_owned(), "s1".to_owned()), ("d.org".to_owned(), "s2".to_owned())].into()
    }

    #[test]
    fn each_host_name_has_a_listener_with_its_certificate() {
        let gateway = Gateway { namespace: "edge".into(), name: "g".into(), ..Gateway::default() };
        let object = of::<ListenerSet>(&route(), (&Edge::default(), &gateway), "a", &wanted());
        assert_eq!((object.name_any().as_str(), &object.spec["parentRef"]["name"]), ("kube-router-a", &json!("g")));
        assert_eq!((&object.spec["listeners"][0]["name"], &object.spec["listeners"][0]["port"]), (&json!("wildcard.c.org"), &json!(443)));
        assert_eq!(object.labels().keys().collect::<Vec<_>>(), ["tsuru.io/app-name"]);
        assert_eq!(object.annotations().keys().collect::<Vec<_>>(), ["x/y"]);
        assert_eq!(secured(&object), wanted());
    }

    #[test]
    fn a_class_makes_it_a_gateway_of_the_app() {
        let gateway = Gateway { class: Some("traefik".into()), port: 8443, ..Gateway::default() };
        let object = of::<OwnGateway>(&route(), (&Edge::default(), &gateway), "a", &wanted());
        assert_eq!((&object.spec["gatewayClassName"], &object.spec["listeners"][1]["port"]), (&json!("traefik"), &json!(8443)));
        assert_eq!(object.spec.get("parentRef"), None);
    }
}
