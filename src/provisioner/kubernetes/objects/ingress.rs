//! Ingresses, and the certificates that their host names are served with.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec, IngressTLS,
    ServiceBackendPort,
};
use kube::ResourceExt;

use super::{
    Owner,
    certificate::{CLUSTER_ISSUER, Certified, ISSUER, ISSUER_GROUP, ISSUER_KIND, Issuer},
    labels::Labels,
    meta, names,
    routing::{Backend, CNAMES, Routing},
    some,
};

/// The ingress of a host name of the app's own.
pub const IS_CNAME: &str = "router.tsuru.io/is-cname-ingress";
/// Certificates are made by whoever looks for this.
pub const ACME: &str = "kubernetes.io/tls-acme";
const CLASS: &str = "kubernetes.io/ingress.class";
const COMMON_NAME: &str = "cert-manager.io/common-name";

/// The ingress of the host names that an app has by itself.
pub fn of(routing: &Routing<'_>, certified: &Certified) -> Ingress {
    let acme = routing.wants("tls-acme");
    let name = names::ingress(&routing.route.app, &routing.edge.instance);
    let hosts = routing.hosts();
    let tls = hosts.iter().filter(|(host, _)| acme || certified.contains(&secret(routing, host))).map(|(host, _)| tls(routing, host));
    let tls = tls.collect();
    let mut ingress = ingress(routing, name, hosts, tls);
    let owner = Owner { api: "v1", kind: "Service", name: &routing.own.service, uid: &routing.own.uid };
    ingress.metadata.owner_references = Some(vec![owner.controls()]);
    let annotations = ingress.annotations_mut();
    if acme {
        annotations.insert(ACME.into(), "true".into());
    } else {
        forget_issuer(annotations);
    }
    if !routing.route.cnames.is_empty() {
        annotations.insert(CNAMES.into(), routing.route.cnames.join(","));
    }
    ingress
}

/// The ingress of another host name of an app. It goes with the main one, whose identity is `main`.
pub fn of_cname(routing: &Routing<'_>, cname: &str, main: &str, issuer: Option<&Issuer>, certified: &Certified) -> Ingress {
    let (acme, plain, instance) = (routing.wants("tls-acme-cname"), routing.wants("http-only"), &routing.edge.instance);
    let secured = !plain && (acme || issuer.is_some() || certified.contains(&secret(routing, cname)));
    let tls = secured.then(|| tls(routing, cname)).into_iter().collect();
    let mut ingress = ingress(routing, names::cname_ingress(cname, instance), vec![(cname.to_owned(), &routing.own)], tls);
    let parent = names::ingress(&routing.route.app, instance);
    let owner = Owner { api: "networking.k8s.io/v1", kind: "Ingress", name: &parent, uid: main };
    ingress.metadata.owner_references = Some(vec![owner.controls()]);
    ingress.labels_mut().insert(IS_CNAME.into(), "true".into());
    let annotations = ingress.annotations_mut();
    match issuer.filter(|_| !plain && !acme) {
        _ if acme && !plain => drop(annotations.insert(ACME.into(), "true".into())),
        issuer => {
            forget_issuer(annotations);
            annotations.extend(issuer.map(|issuer| issued(cname, issuer)).unwrap_or_default());
        }
    }
    ingress
}

fn ingress(routing: &Routing<'_>, name: String, hosts: Vec<(String, &Backend)>, tls: Vec<IngressTLS>) -> Ingress {
    let labels = [Routing::base(&routing.own), routing.labels()].into_iter().flatten().collect();
    let mut metadata = meta(name, &routing.own.namespace, labels);
    metadata.annotations = some(annotations(routing));
    // A class cannot be said in both ways.
    let class = Some(routing.edge.class.clone()).filter(|class| !class.is_empty() && routing.opt("class").is_empty());
    let rules = hosts.into_iter().map(|(host, backend)| rule(host, backend, routing.opt("route"))).collect();
    let spec = IngressSpec { ingress_class_name: class, rules: Some(rules), tls: some(tls), ..IngressSpec::default() };
    Ingress { metadata, spec: Some(spec), status: None }
}

fn annotations(routing: &Routing<'_>) -> Labels {
    let prefix = &routing.edge.annotations_prefix;
    routing.annotations(|option| {
        Some(match option {
            "class" => CLASS.into(),
            whole if whole.contains('/') || prefix.is_empty() => whole.into(),
            part => format!("{prefix}/{part}"),
        })
    })
}

fn rule(host: String, backend: &Backend, path: &str) -> IngressRule {
    let port = Some(ServiceBackendPort { number: Some(backend.port), name: None });
    let service = IngressServiceBackend { name: backend.service.clone(), port };
    let path = HTTPIngressPath {
        backend: IngressBackend { service: Some(service), resource: None },
        path: Some(path.to_owned()).filter(|path| !path.is_empty()),
        path_type: "ImplementationSpecific".into(),
    };
    IngressRule { host: Some(host), http: Some(HTTPIngressRuleValue { paths: vec![path] }) }
}

fn secret(routing: &Routing<'_>, host: &str) -> String {
    names::certificate(&routing.route.app, host, &routing.edge.instance)
}

fn tls(routing: &Routing<'_>, host: &str) -> IngressTLS {
    IngressTLS { hosts: Some(vec![host.into()]), secret_name: Some(secret(routing, host)) }
}

fn forget_issuer(annotations: &mut Labels) {
    annotations.retain(|name, _| ![ISSUER, CLUSTER_ISSUER, ISSUER_KIND, ISSUER_GROUP].contains(&name.as_str()));
}

fn issued(cname: &str, issuer: &Issuer) -> Labels {
    let mut all = vec![(COMMON_NAME, cname)];
    match issuer {
        Issuer::Own(name) => all.push((ISSUER, name)),
        Issuer::Cluster(name) => all.push((CLUSTER_ISSUER, name)),
        Issuer::Other { name, kind, group } => all.extend([(ISSUER, name.as_str()), (ISSUER_KIND, kind), (ISSUER_GROUP, group)]),
    }
    all.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Who makes the certificates of an ingress, when nobody may set them by hand.
pub fn certifier(ingress: &Ingress) -> Option<&'static str> {
    let says = |name: &str| ingress.annotations().contains_key(name);
    let issued = [ISSUER, CLUSTER_ISSUER, ISSUER_KIND, ISSUER_GROUP].into_iter().any(says);
    let acme = ingress.annotations().get(ACME).is_some_and(|value| value == "true");
    if issued { Some("cert-manager") } else { acme.then_some("ACME") }
}

/// The ingress as it serves a host name with this certificate, or with none.
pub fn served_with(mut ingress: Ingress, host: &str, secret: Option<&str>) -> Ingress {
    let Some(spec) = &mut ingress.spec else { return ingress };
    let mut tls = spec.tls.take().unwrap_or_default();
    tls.retain(|one| !one.hosts.iter().flatten().any(|known| known == host));
    tls.extend(secret.map(|secret| IngressTLS { hosts: Some(vec![host.into()]), secret_name: Some(secret.into()) }));
    spec.tls = some(tls);
    ingress
}

/// Host names of an ingress, those without prefix first.
pub fn hosts(ingress: &Ingress) -> Vec<&str> {
    let rules = ingress.spec.as_ref().and_then(|spec| spec.rules.as_deref()).unwrap_or_default();
    rules.iter().filter_map(|rule| rule.host.as_deref()).collect()
}

/// Where an app answers by its ingress.
pub fn addresses(ingress: &Ingress, port: Option<u16>) -> Vec<String> {
    let tls = ingress.spec.as_ref().and_then(|spec| spec.tls.as_deref()).unwrap_or_default();
    let secured = |host: &str| tls.iter().flat_map(|tls| tls.hosts.iter().flatten()).any(|known| known == host);
    let address = |host: &str| match port {
        _ if secured(host) => format!("https://{host}"),
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    hosts(ingress).into_iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::routing::tests::{backends, route},
        *,
    };

    fn made(opts: &[(&str, &str)]) -> Ingress {
        let (edge, route) = route(opts);
        of(&Routing::new(&edge, &route, backends()).unwrap(), &Certified::new())
    }

    fn made_cname(opts: &[(&str, &str)], issuer: Option<&Issuer>, certified: &[&str]) -> Ingress {
        let (edge, route) = route(opts);
        let certified = certified.iter().map(|name| (*name).to_owned()).collect();
        of_cname(&Routing::new(&edge, &route, backends()).unwrap(), "c.org", "", issuer, &certified)
    }

    #[test]
    fn other_options_are_annotations() {
        let ingress = made(&[("class", "nginx"), ("nginx/limit", "5"), ("route", "/r"), ("limit", "6")]);
        let annotations = ingress.annotations();
        assert_eq!((annotations[CLASS].as_str(), annotations["nginx/limit"].as_str(), annotations["limit"].as_str()), ("nginx", "5", "6"));
        assert!(!annotations.contains_key("route"));
        assert!(ingress.spec.unwrap().tls.is_none());
        let (mut edge, route) = route(&[("limit", "6")]);
        edge.annotations_prefix = "nginx".into();
        let prefixed = of(&Routing::new(&edge, &route, backends()).unwrap(), &Certified::new());
        assert_eq!(prefixed.annotations()["nginx/limit"], "6");
    }

    #[test]
    fn a_class_is_said_in_one_way() {
        let (mut edge, mut route) = route(&[]);
        edge.class = "traefik".into();
        let class = |ingress: Ingress| ingress.spec.unwrap().ingress_class_name;
        assert_eq!(class(of(&Routing::new(&edge, &route, backends()).unwrap(), &Certified::new())).as_deref(), Some("traefik"));
        route.opts.insert("class".into(), "nginx".into());
        assert_eq!(class(of(&Routing::new(&edge, &route, backends()).unwrap(), &Certified::new())), None);
    }

    #[test]
    fn certificates_are_automatic_issued_or_set_by_hand() {
        let automatic = made(&[("tls-acme", "true"), (CLUSTER_ISSUER, "letsencrypt")]);
        assert_eq!((automatic.annotations()[ACME].as_str(), automatic.annotations()[CLUSTER_ISSUER].as_str()), ("true", "letsencrypt"));
        assert_eq!(addresses(&automatic, Some(81)), ["https://a.x.org"]);
        assert_eq!(automatic.spec.unwrap().tls.unwrap()[0].secret_name.as_deref(), Some("kr-a-a.x.org"));
        let issued = made_cname(&[], Some(&Issuer::Cluster("letsencrypt".into())), &[]);
        let annotations = issued.annotations();
        assert_eq!((annotations[CLUSTER_ISSUER].as_str(), annotations[COMMON_NAME].as_str()), ("letsencrypt", "c.org"));
        assert_eq!(certifier(&issued), Some("cert-manager"));
        assert!(issued.spec.unwrap().tls.is_some());
        let by_hand = made_cname(&[], None, &["kr-a-c.org"]);
        assert_eq!(certifier(&by_hand), None);
        assert!(by_hand.spec.unwrap().tls.is_some());
        let plain = made_cname(&[("http-only", "true")], Some(&Issuer::Own("i".into())), &["kr-a-c.org"]);
        assert!(plain.spec.unwrap().tls.is_none());
    }

    #[test]
    fn a_certificate_is_named_and_named_no_more() {
        let named = served_with(served_with(made(&[]), "a.x.org", Some("old")), "a.x.org", Some("new"));
        let tls = named.spec.clone().unwrap().tls.unwrap();
        assert_eq!((tls.len(), tls[0].secret_name.as_deref()), (1, Some("new")));
        assert_eq!(served_with(named, "a.x.org", None).spec.unwrap().tls, None);
    }

    #[test]
    fn addresses_are_host_names_with_the_port_that_is_not_the_usual_one() {
        let all = made(&[("all-prefixes", "true")]);
        assert_eq!(addresses(&all, None), ["a.x.org", "web.process.a.x.org", "v2.version.a.x.org"]);
        assert_eq!(addresses(&made(&[]), Some(81)), ["a.x.org:81"]);
    }
}
