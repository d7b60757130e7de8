//! Ingresses: how requests from outside reach apps where no router of tsuru's does that. They are named and labelled as its
//! kubernetes-router does, so that apps can be moved from one to the other.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::{
        core::v1::Secret,
        networking::v1::{
            HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec, IngressTLS,
            ServiceBackendPort,
        },
    },
};

use super::{Owner, labels, labels::Labels, meta, names, some};
use crate::secret::Secret as Key;

/// All host names of an app, on its main ingress.
const CNAMES: &str = "router.tsuru.io/cnames";
const ACME: &str = "kubernetes.io/tls-acme";
const COMMON_NAME: &str = "cert-manager.io/common-name";
const ISSUER: &str = "cert-manager.io/issuer";
const CLUSTER_ISSUER: &str = "cert-manager.io/cluster-issuer";
/// Options that are not annotations.
const OWN: [&str; 9] =
    ["domain", "domain-suffix", "domain-prefix", "route", "exposed-port", "tls-acme", "tls-acme-cname", "http-only", "all-prefixes"];

/// How an app is reached.
#[derive(Clone, Debug, Default)]
pub struct Routing<'a> {
    /// The app.
    pub app: &'a str,
    /// The team that owns it.
    pub team: &'a str,
    /// The service that leads to what is routable.
    pub service: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its identity, given by the API server.
    pub service_uid: &'a str,
    /// Its port.
    pub port: i32,
    /// What the names of apps are followed by: `apps.example.com`.
    pub domain: &'a str,
    /// The class of ingress; empty: the cluster's usual one.
    pub class: &'a str,
    /// Options of the router and of the app.
    pub opts: BTreeMap<String, String>,
    /// Host names of the app's own.
    pub cnames: &'a [String],
}

impl Routing<'_> {
    fn opt(&self, name: &str) -> &str {
        self.opts.get(name).map_or("", String::as_str)
    }

    fn wants(&self, name: &str) -> bool {
        self.opt(name) == "true"
    }

    /// The host name that the app has by itself.
    pub fn host(&self) -> String {
        let domain = if self.domain.is_empty() { self.opt("domain-suffix") } else { self.domain };
        match (self.opt("domain"), self.opt("domain-prefix")) {
            ("", "") => format!("{}.{domain}", self.app),
            ("", prefix) => format!("{prefix}.{}.{domain}", self.app),
            (whole, _) => whole.into(),
        }
    }

    fn labels(&self) -> Labels {
        let router = |name: &str| format!("router.tsuru.io/{name}");
        [
            (router("base-service-name"), self.service),
            (router("base-service-namespace"), self.namespace),
            (labels::APP.to_owned(), self.app),
            (labels::own("app-team"), self.team),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
    }

    fn annotations(&self) -> Labels {
        let said = self.opts.iter().filter(|(name, value)| !OWN.contains(&name.as_str()) && !value.is_empty());
        let mut all: Labels = said.map(|(name, value)| (annotation(name).to_owned(), value.clone())).collect();
        all.insert(labels::own("app-teamowner"), self.team.into());
        all
    }

    fn rule(&self, host: &str) -> IngressRule {
        let service =
            IngressServiceBackend { name: self.service.into(), port: Some(ServiceBackendPort { number: Some(self.port), name: None }) };
        let path = HTTPIngressPath {
            backend: IngressBackend { service: Some(service), resource: None },
            path: Some(self.opt("route").to_owned()).filter(|path| !path.is_empty()),
            path_type: "ImplementationSpecific".into(),
        };
        IngressRule { host: Some(host.into()), http: Some(HTTPIngressRuleValue { paths: vec![path] }) }
    }

    fn tls(&self, host: &str) -> IngressTLS {
        IngressTLS { hosts: Some(vec![host.into()]), secret_name: Some(names::certificate(self.app, host)) }
    }

    fn ingress(&self, name: String, host: &str, tls: bool) -> Ingress {
        let mut metadata = meta(name, self.namespace, self.labels());
        metadata.annotations = some(self.annotations());
        let spec = IngressSpec {
            ingress_class_name: Some(self.class.to_owned()).filter(|class| !class.is_empty()),
            rules: Some(vec![self.rule(host)]),
            tls: tls.then(|| vec![self.tls(host)]),
            ..IngressSpec::default()
        };
        Ingress { metadata, spec: Some(spec), status: None }
    }
}

/// An option of a router that is an annotation.
fn annotation(option: &str) -> &str {
    if option == "class" { "kubernetes.io/ingress.class" } else { option }
}

/// The ingress of an app's own host name. `certified`: a certificate was set by hand.
pub fn of(routing: &Routing<'_>, certified: bool) -> Ingress {
    let acme = routing.wants("tls-acme");
    let mut ingress = routing.ingress(names::ingress(routing.app), &routing.host(), acme || certified);
    let owner = Owner { api: "v1", kind: "Service", name: routing.service, uid: routing.service_uid };
    ingress.metadata.owner_references = Some(vec![owner.controls()]);
    let annotations = ingress.metadata.annotations.get_or_insert_default();
    if acme {
        annotations.insert(ACME.into(), "true".into());
    }
    if !routing.cnames.is_empty() {
        annotations.insert(CNAMES.into(), routing.cnames.join(","));
    }
    ingress
}

/// Who issues the certificate of a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuer<'a> {
    /// Of the namespace.
    Own(&'a str),
    /// Of the cluster.
    Cluster(&'a str),
    /// Of another program, by name, kind and group.
    Other(&'a str, &'a str, &'a str),
}

/// The ingress of another host name of an app. It goes with the main one, whose identity is `main`.
pub fn of_cname(routing: &Routing<'_>, cname: &str, main: &str, issuer: Option<Issuer<'_>>, certified: bool) -> Ingress {
    let acme = routing.wants("tls-acme-cname");
    let plain = routing.wants("http-only");
    let tls = !plain && (acme || issuer.is_some() || certified);
    let mut ingress = routing.ingress(names::cname_ingress(cname), cname, tls);
    let parent = names::ingress(routing.app);
    let owner = Owner { api: "networking.k8s.io/v1", kind: "Ingress", name: &parent, uid: main };
    ingress.metadata.owner_references = Some(vec![owner.controls()]);
    ingress.metadata.labels.get_or_insert_default().insert("router.tsuru.io/is-cname-ingress".into(), "true".into());
    let annotations = ingress.metadata.annotations.get_or_insert_default();
    match issuer.filter(|_| !plain && !acme) {
        _ if acme && !plain => annotations.extend([(ACME.to_owned(), "true".to_owned())]),
        Some(issuer) => annotations.extend(issued(cname, issuer)),
        None => {}
    }
    ingress
}

fn issued(cname: &str, issuer: Issuer<'_>) -> Labels {
    let mut all = vec![(COMMON_NAME, cname)];
    match issuer {
        Issuer::Own(name) => all.push((ISSUER, name)),
        Issuer::Cluster(name) => all.push((CLUSTER_ISSUER, name)),
        Issuer::Other(name, kind, group) => {
            all.extend([(ISSUER, name), ("cert-manager.io/issuer-kind", kind), ("cert-manager.io/issuer-group", group)]);
        }
    }
    all.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A certificate that was set by hand.
pub fn certificate(app: &str, host: &str, namespace: &str, pem: &str, key: &Key) -> Secret {
    let labels = [(labels::APP.to_owned(), app.to_owned()), ("router.tsuru.io/domain".to_owned(), host.to_owned())].into();
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let data = [("tls.crt".to_owned(), bytes(pem)), ("tls.key".to_owned(), bytes(key.expose()))].into();
    Secret {
        metadata: meta(names::certificate(app, host), namespace, labels),
        type_: Some("kubernetes.io/tls".into()),
        data: Some(data),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routing(opts: &[(&str, &str)]) -> Routing<'static> {
        let opts = opts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Routing { app: "a", team: "t", service: "a-web", namespace: "ns", port: 80, domain: "x.org", opts, ..Routing::default() }
    }

    #[test]
    fn host_names_follow_the_options() {
        assert_eq!(routing(&[]).host(), "a.x.org");
        assert_eq!(routing(&[("domain-prefix", "p")]).host(), "p.a.x.org");
        assert_eq!(routing(&[("domain", "whole.org"), ("domain-prefix", "p")]).host(), "whole.org");
    }

    #[test]
    fn other_options_are_annotations() {
        let ingress = of(&routing(&[("class", "nginx"), ("nginx/limit", "5"), ("route", "/r")]), false);
        let annotations = ingress.metadata.annotations.unwrap();
        assert_eq!((annotations["kubernetes.io/ingress.class"].as_str(), annotations["nginx/limit"].as_str()), ("nginx", "5"));
        assert!(!annotations.contains_key("route"));
        assert!(ingress.spec.unwrap().tls.is_none());
    }

    #[test]
    fn certificates_are_automatic_issued_or_set_by_hand() {
        let automatic = of(&routing(&[("tls-acme", "true")]), false);
        assert_eq!(automatic.metadata.annotations.unwrap()[ACME], "true");
        assert_eq!(automatic.spec.unwrap().tls.unwrap()[0].secret_name.as_deref(), Some("kr-a-a.x.org"));
        let issued = of_cname(&routing(&[]), "c.org", "", Some(Issuer::Cluster("letsencrypt")), false);
        let annotations = issued.metadata.annotations.unwrap();
        assert_eq!((annotations[CLUSTER_ISSUER].as_str(), annotations[COMMON_NAME].as_str()), ("letsencrypt", "c.org"));
        assert!(issued.spec.unwrap().tls.is_some());
        let plain = of_cname(&routing(&[("http-only", "true")]), "c.org", "", Some(Issuer::Own("i")), true);
        assert!(plain.spec.unwrap().tls.is_none());
        assert!(of_cname(&routing(&[]), "c.org", "", None, true).spec.unwrap().tls.is_some());
    }
}
