//! How an app is reached from outside: what ingresses and routes of a gateway have in common. They are named and labelled as tsuru's
//! kubernetes-router does, so that apps can be moved from one to the other.

use k8s_openapi::api::core::v1::{Service, ServicePort};
use kube::ResourceExt;

use super::labels::{self, Labels};
use crate::{
    error::{Error, Result},
    provisioner::{
        kubernetes::settings::truth,
        routes::{Edge, Route},
    },
};

/// All host names of an app, on its main object.
pub const CNAMES: &str = "router.tsuru.io/cnames";
/// An object that has it as `true` is left as it is.
pub const FREEZE: &str = "router.tsuru.io/freeze";
/// Options that are not annotations.
const OWN: [&str; 10] = [
    "domain",
    "domain-suffix",
    "domain-prefix",
    "route",
    "exposed-port",
    "external-traffic-policy",
    "tls-acme",
    "tls-acme-cname",
    "http-only",
    "all-prefixes",
];

/// Where requests go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    /// Before the app's name; empty: the app itself.
    pub prefix: String,
    /// The service.
    pub service: String,
    /// Its namespace.
    pub namespace: String,
    /// Its identity, given by the API server.
    pub uid: String,
    /// Its port.
    pub port: i32,
}

impl Backend {
    /// A service, by its first port or the one that is asked for.
    pub fn of(prefix: &str, service: &Service, port: Option<&str>) -> Result<Self> {
        let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
        let is_asked = |known: &&ServicePort| port.is_none_or(|port| known.port.to_string() == port);
        let name = service.name_any();
        let missing = || Error::refused(format!("service {name:?} has no port {}", port.unwrap_or_default()).trim_end().to_owned());
        Ok(Self {
            prefix: prefix.replace('_', "-"),
            namespace: service.namespace().unwrap_or_default(),
            uid: service.uid().unwrap_or_default(),
            port: ports.iter().find(is_asked).ok_or_else(missing)?.port,
            service: name,
        })
    }
}

/// How an app is reached.
#[derive(Clone, Debug)]
pub struct Routing<'a> {
    /// By this router.
    pub edge: &'a Edge,
    /// What the app wants.
    pub route: &'a Route,
    /// Where requests of its own names go.
    pub own: Backend,
    /// Where those of names with a prefix go.
    pub more: Vec<Backend>,
    opts: Labels,
}

impl<'a> Routing<'a> {
    /// Nothing where requests of the app's own names lead nowhere.
    pub fn new(edge: &'a Edge, route: &'a Route, backends: Vec<Backend>) -> Option<Self> {
        let (own, more) = backends.into_iter().partition(|backend| backend.prefix.is_empty());
        let own: Vec<Backend> = own;
        let mut routing = Self { edge, route, own: own.into_iter().next()?, more, opts: edge.opts(&route.opts) };
        if !routing.wants("all-prefixes") {
            routing.more.clear();
        }
        Some(routing)
    }

    /// An option; empty: not said.
    pub fn opt(&self, name: &str) -> &str {
        self.opts.get(name).map_or("", String::as_str)
    }

    /// True when an option says yes.
    pub fn wants(&self, name: &str) -> bool {
        truth(self.opt(name)).unwrap_or_default()
    }

    /// The host name that the app has by itself.
    pub fn host(&self) -> String {
        let (app, domain) = (&self.route.app, if self.edge.domain.is_empty() { self.opt("domain-suffix") } else { &self.edge.domain });
        match (self.opt("domain"), self.opt("domain-prefix")) {
            ("", "") => format!("{app}.{domain}"),
            ("", prefix) => format!("{prefix}.{app}.{domain}"),
            (whole, _) => whole.into(),
        }
    }

    /// All host names that it has by itself, each with where it leads; that without prefix first.
    pub fn hosts(&self) -> Vec<(String, &Backend)> {
        let host = self.host();
        let prefixed = |backend: &'_ Backend| format!("{}.{host}", backend.prefix);
        let more: Vec<(String, &Backend)> = self.more.iter().map(|backend| (prefixed(backend), backend)).collect();
        [(host.clone(), &self.own)].into_iter().chain(more).collect()
    }

    /// Labels that say where requests go.
    pub fn base(backend: &Backend) -> Labels {
        let router = |name: &str| format!("router.tsuru.io/{name}");
        [(router("base-service-name"), backend.service.clone()), (router("base-service-namespace"), backend.namespace.clone())].into()
    }

    /// Labels of everything.
    pub fn labels(&self) -> Labels {
        let said: Vec<String> = self.route.tags.iter().filter(|tag| tag.contains('=')).cloned().collect();
        let mut all = labels::tags(&said);
        all.retain(|_, value| labels::is_value(value));
        all.extend([(labels::APP.to_owned(), self.route.app.clone()), (labels::own("app-team"), self.route.team.clone())]);
        all
    }

    /// Options that are annotations, by what `name` makes of theirs; one whose name ends in `-` takes an annotation away.
    pub fn annotations(&self, name: impl Fn(&str) -> Option<String>) -> Labels {
        let mut all = self.edge.annotations.clone();
        all.insert(labels::own("app-teamowner"), self.route.team.clone());
        for (option, value) in self.opts.iter().filter(|(option, _)| !OWN.contains(&option.as_str())) {
            let Some(name) = name(option) else { continue };
            match name.strip_suffix('-') {
                Some(gone) => drop(all.remove(gone)),
                None => drop(all.insert(name, value.clone())),
            }
        }
        all
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    /// The app `a` of the team `t` with these options, at a router of `x.org`.
    pub fn route(opts: &[(&str, &str)]) -> (Edge, Route) {
        let opts = opts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let edge = Edge { domain: "x.org".into(), ..Edge::default() };
        (edge, Route { app: "a".into(), team: "t".into(), opts, ..Route::default() })
    }

    /// Where its requests go.
    pub fn backends() -> Vec<Backend> {
        let to = |prefix: &str, service: &str| Backend {
            prefix: prefix.into(),
            service: service.into(),
            namespace: "ns".into(),
            uid: "1".into(),
            port: 80,
        };
        vec![to("web.process", "a-web"), to("", "a-web"), to("v2.version", "a-web-v2")]
    }

    fn hosts(opts: &[(&str, &str)]) -> Vec<String> {
        let (edge, route) = route(opts);
        Routing::new(&edge, &route, backends()).unwrap().hosts().into_iter().map(|(host, _)| host).collect()
    }

    #[test]
    fn host_names_follow_the_options() {
        assert_eq!(hosts(&[]), ["a.x.org"]);
        assert_eq!(hosts(&[("domain-prefix", "p")]), ["p.a.x.org"]);
        assert_eq!(hosts(&[("domain", "whole.org"), ("domain-prefix", "p")]), ["whole.org"]);
        assert_eq!(hosts(&[("all-prefixes", "true")]), ["a.x.org", "web.process.a.x.org", "v2.version.a.x.org"]);
        let (mut edge, route) = route(&[("domain-suffix", "own.org")]);
        edge.domain.clear();
        assert_eq!(Routing::new(&edge, &route, backends()).unwrap().host(), "a.own.org");
    }

    #[test]
    fn an_app_without_a_service_of_its_own_names_is_not_reached() {
        let (edge, route) = route(&[("all-prefixes", "true")]);
        let prefixed = backends().into_iter().filter(|backend| !backend.prefix.is_empty()).collect();
        assert!(Routing::new(&edge, &route, prefixed).is_none());
    }

    #[test]
    fn the_routers_options_hold_where_the_app_says_nothing() {
        let (mut edge, route) = route(&[("b", "own")]);
        edge.opts = BTreeMap::from([("b".to_owned(), "router".to_owned()), ("c".to_owned(), "router".to_owned())]);
        let routing = Routing::new(&edge, &route, backends()).unwrap();
        assert_eq!((routing.opt("b"), routing.opt("c")), ("own", "router"));
    }

    #[test]
    fn an_option_takes_an_annotation_of_the_router_away() {
        let (mut edge, route) = route(&[("x/y-", "true"), ("x/z", "1")]);
        edge.annotations = BTreeMap::from([("x/y".to_owned(), "all".to_owned())]);
        let annotations = Routing::new(&edge, &route, backends()).unwrap().annotations(|name| Some(name.to_owned()));
        assert_eq!(
            annotations.into_iter().collect::<Vec<_>>(),
            [("tsuru.io/app-teamowner".into(), "t".into()), ("x/z".into(), "1".into())]
        );
    }

    #[test]
    fn only_tags_with_a_value_that_can_be_one_are_labels() {
        let (edge, mut route) = route(&[]);
        route.tags = ["plain".into(), "a=b".into(), "c=d=e".into()].into();
        let labels = Routing::new(&edge, &route, backends()).unwrap().labels();
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["tsuru.io/app-name", "tsuru.io/app-team", "tsuru.io/custom-tag-a"]);
    }

    #[test]
    fn a_service_is_reached_by_its_first_port_or_the_one_that_is_asked_for() {
        let ports = json!([{"port": 80, "name": "a"}, {"port": 90, "name": "b"}]);
        let service = json!({"metadata": {"name": "s", "namespace": "ns"}, "spec": {"ports": ports}});
        let service: Service = serde_json::from_value(service).unwrap();
        let port = |asked| Backend::of("", &service, asked).map(|backend| backend.port);
        assert_eq!((port(None).unwrap(), port(Some("90")).unwrap()), (80, 90));
        assert_eq!(port(Some("91")).unwrap_err().to_string(), "service \"s\" has no port 91");
    }
}
