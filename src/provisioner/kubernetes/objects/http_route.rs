//! Routes of a gateway: what the Gateway API has in place of ingresses.

use std::borrow::Cow;

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Resource, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    labels::Labels,
    listeners::{self, Secured},
    meta, names,
    routing::{Backend, CNAMES, Routing},
    some,
};
use crate::provisioner::routes::Gateway;

/// The definition that a cluster with the Gateway API has.
pub const CRD: &str = "httproutes.gateway.networking.k8s.io";
/// Part of the name of a router's objects.
pub const INSTANCE: &str = "router.tsuru.io/instance";
/// The route of a host name of the app's own.
pub const IS_CNAME: &str = "router.tsuru.io/is-cname";
const PLAIN: &str = "router.tsuru.io/http-only";
/// The Gateway API's.
pub const GROUP: &str = "gateway.networking.k8s.io";
const OF_SERVICE: &str = "router.tsuru.io/base-service-";

/// A route.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRoute {
    #[serde(default = "version")]
    api_version: String,
    #[serde(default = "kind")]
    kind: String,
    /// Name, labels.
    pub metadata: ObjectMeta,
    /// Where requests go.
    #[serde(default)]
    pub spec: Value,
    /// What gateways say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
}

fn version() -> String {
    format!("{GROUP}/v1")
}

fn kind() -> String {
    "HTTPRoute".into()
}

impl Resource for HttpRoute {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "HTTPRoute".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "httproutes".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// All routes of an app, that of its own name first. Those of `secured` are also at the app's listeners.
pub fn all(routing: &Routing<'_>, gateway: &Gateway, secured: &Secured) -> Vec<HttpRoute> {
    let (app, instance) = (&routing.route.app, &routing.edge.instance);
    let path = Some(routing.opt("route")).filter(|path| !path.is_empty()).unwrap_or("/");
    let plain = [(PLAIN.to_owned(), routing.wants("http-only").to_string())];
    let own_listeners = names::listeners(app, instance);
    let parents = |host: &str| {
        let own = secured.contains_key(host).then_some((routing.own.namespace.as_str(), own_listeners.as_str()));
        parents(gateway, own)
    };
    let own = routing.hosts().into_iter().map(|(host, backend)| {
        let labels = Routing::base(backend).into_iter().chain(plain.clone()).collect();
        route(routing, names::http_route(app, &backend.prefix, instance), labels, spec(&parents(&host), &host, backend, path))
    });
    let cnames = routing.route.cnames.iter().map(|cname| {
        let labels = [(IS_CNAME.to_owned(), "true".to_owned())].into();
        route(routing, names::cname_http_route(app, cname, instance), labels, spec(&parents(cname), cname, &routing.own, "/"))
    });
    let mut all: Vec<HttpRoute> = own.chain(cnames).collect();
    if let Some(main) = all.first_mut().filter(|_| !routing.route.cnames.is_empty()) {
        main.annotations_mut().insert(CNAMES.into(), routing.route.cnames.join(","));
    }
    all
}

fn route(routing: &Routing<'_>, name: String, mut labels: Labels, spec: Value) -> HttpRoute {
    labels.insert(INSTANCE.into(), routing.edge.instance.clone());
    labels.extend(routing.labels());
    let mut metadata = meta(name, &routing.own.namespace, labels);
    metadata.annotations = some(routing.annotations(|option| option.contains('/').then(|| option.to_owned())));
    HttpRoute { api_version: version(), kind: kind(), metadata, spec, status: None }
}

/// Names a gateway or a set of listeners, as routes and such sets name what they belong to.
pub fn parent(kind: &str, namespace: &str, name: &str) -> Value {
    json!({"group": GROUP, "kind": kind, "namespace": namespace, "name": name})
}

/// The gateway, and the app's own listeners by namespace and name.
fn parents(gateway: &Gateway, own: Option<(&str, &str)>) -> Value {
    let own = own.map(|(namespace, name)| parent(listeners::kind(gateway), namespace, name));
    [parent("Gateway", &gateway.namespace, &gateway.name)].into_iter().chain(own).collect()
}

/// The route, taken up by the app's listeners of this name too, or by the gateway alone.
pub fn at_listeners(mut route: HttpRoute, gateway: &Gateway, own: Option<&str>) -> HttpRoute {
    let namespace = route.namespace().unwrap_or_default();
    if let Some(spec) = route.spec.as_object_mut() {
        spec.insert("parentRefs".into(), parents(gateway, own.map(|name| (namespace.as_str(), name))));
    }
    route
}

/// Labels of a route that are not about its own name alone.
pub fn common_labels(route: &HttpRoute) -> Labels {
    let mut labels = route.labels().clone();
    labels.retain(|name, _| name != PLAIN && name != IS_CNAME && !name.starts_with(OF_SERVICE));
    labels
}

/// With everything that the API server would fill in.
fn spec(parents: &Value, host: &str, backend: &Backend, path: &str) -> Value {
    json!({
        "parentRefs": parents,
        "hostnames": [host],
        "rules": [{
            "matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "backendRefs": [{"group": "", "kind": "Service", "name": backend.service, "port": backend.port, "weight": 1}],
        }],
    })
}

/// Its host names.
pub fn hosts(route: &HttpRoute) -> Vec<&str> {
    let hosts = route.spec.get("hostnames").and_then(Value::as_array);
    hosts.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// How many gateways and sets of listeners are to take it up.
fn wanted_by(route: &HttpRoute) -> usize {
    route.spec.get("parentRefs").and_then(Value::as_array).map_or(0, Vec::len)
}

/// Where an app answers by this route.
pub fn addresses(route: &HttpRoute, port: Option<u16>) -> Vec<String> {
    // One with listeners of its own has a certificate, whatever the gateway has.
    let plain = route.labels().get(PLAIN).is_some_and(|value| value == "true") && wanted_by(route) < 2;
    let address = |host: &str| match port {
        Some(port) if plain => format!("http://{host}:{port}"),
        _ if plain => format!("http://{host}"),
        _ => format!("https://{host}"),
    };
    hosts(route).into_iter().map(address).collect()
}

/// Why nobody serves the route, or not everybody who should, if so.
pub fn fault(route: &HttpRoute) -> Option<String> {
    let parents = route.status.as_ref().and_then(|status| status.get("parents")).and_then(Value::as_array);
    let parents = parents.map(Vec::as_slice).unwrap_or_default();
    if parents.is_empty() {
        return Some("no gateway has taken the route up".into());
    }
    if parents.len() < wanted_by(route) {
        return Some("no gateway has taken the listeners of its certificate up".into());
    }
    parents.iter().find_map(fault_at)
}

fn fault_at(parent: &Value) -> Option<String> {
    let conditions = parent.get("conditions").and_then(Value::as_array).into_iter().flatten();
    let text = |condition: &Value, key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut missing = vec!["Accepted", "ResolvedRefs"];
    for condition in conditions {
        let kind = text(condition, "type");
        if !missing.contains(&kind.as_str()) {
            continue;
        }
        if text(condition, "status") != "True" {
            return Some(format!("{}: {}", text(condition, "reason"), text(condition, "message")));
        }
        missing.retain(|name| *name != kind);
    }
    (!missing.is_empty()).then(|| "no gateway has taken the route up".into())
}

#[cfg(test)]
mod tests {
    use super::{
        super::routing::tests::{backends, route as wanted},
        *,
    };

    fn made(opts: &[(&str, &str)], cnames: &[&str]) -> Vec<HttpRoute> {
        let (edge, mut route) = wanted(opts);
        route.cnames = cnames.iter().map(|cname| (*cname).to_owned()).collect();
        all(&Routing::new(&edge, &route, backends()).unwrap(), &gateway(), &secured())
    }

    fn gateway() -> Gateway {
        Gateway { namespace: "edge".into(), name: "g".into(), ..Gateway::default() }
    }

    fn secured() -> Secured {
        [("s.org".to_owned(), "secret".to_owned())].into()
    }

    #[test]
    fn each_name_has_a_route() {
        let routes = made(&[("all-prefixes", "true"), ("x/y", "1"), ("z", "2"), ("route", "/r")], &["c.org"]);
        let names: Vec<String> = routes.iter().map(ResourceExt::name_any).collect();
        assert_eq!(names, ["kube-router-a", "kube-router-a-web.process", "kube-router-a-v2.version", "kube-router-a-c.org-cname"]);
        assert_eq!((routes[0].annotations()[CNAMES].as_str(), routes[0].annotations()["x/y"].as_str()), ("c.org", "1"));
        assert!(!routes[0].annotations().contains_key("z"));
        assert_eq!((&routes[2].spec["hostnames"], &routes[3].labels()[IS_CNAME]), (&json!(["v2.version.a.x.org"]), &"true".to_owned()));
        assert_eq!(routes[0].spec["parentRefs"][0]["namespace"], "edge");
        assert_eq!(routes[0].spec["rules"][0]["matches"][0]["path"]["value"], "/r");
    }

    #[test]
    fn the_scheme_is_what_the_app_says() {
        assert_eq!(addresses(&made(&[], &[])[0], Some(81)), ["https://a.x.org"]);
        assert_eq!(addresses(&made(&[("http-only", "true")], &[])[0], Some(81)), ["http://a.x.org:81"]);
    }

    #[test]
    fn a_name_with_a_certificate_is_at_the_apps_listeners_too() {
        let route = made(&[("http-only", "true")], &["s.org"]).remove(1);
        let own = json!({"group": GROUP, "kind": "ListenerSet", "namespace": "ns", "name": "kube-router-a"});
        assert_eq!((&route.spec["parentRefs"][1], addresses(&route, None)), (&own, vec!["https://s.org".to_owned()]));
        let without = at_listeners(route.clone(), &gateway(), None);
        assert_eq!(without.spec["parentRefs"].as_array().unwrap().len(), 1);
        assert_eq!(at_listeners(without, &gateway(), Some("kube-router-a")).spec, route.spec);
        let mut half = route;
        let conditions = json!([{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"}]);
        half.status = Some(json!({"parents": [{"conditions": conditions}]}));
        assert_eq!(fault(&half).as_deref(), Some("no gateway has taken the listeners of its certificate up"));
    }

    #[test]
    fn a_gateway_says_whether_it_serves_a_route() {
        let told = |conditions: Value| {
            let mut route = made(&[], &[]).remove(0);
            route.status = Some(json!({"parents": [{"conditions": conditions}]}));
            fault(&route)
        };
        let (accepted, found) = (json!({"type": "Accepted", "status": "True"}), json!({"type": "ResolvedRefs", "status": "True"}));
        assert_eq!(told(json!([accepted, found])), None);
        assert_eq!(told(json!([accepted])).as_deref(), Some("no gateway has taken the route up"));
        let refused = json!({"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound", "message": "no service"});
        assert_eq!(told(json!([accepted, refused])).as_deref(), Some("BackendNotFound: no service"));
    }
}
