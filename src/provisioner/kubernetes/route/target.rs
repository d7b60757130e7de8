//! Which services requests to an app's names can go to.

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;

use crate::{build::processes::main_process, provisioner::kubernetes::objects::labels};

/// The services with the prefixes of the names that lead to them: none for the app itself, `v2.version`, `web.process`,
/// `v2.version.web.process`.
pub fn of(services: &[Service]) -> Vec<(String, &Service)> {
    let ours: Vec<&Service> = in_one_place(services.iter().filter(|service| is_ours(service)).collect());
    let routable = ours.iter().filter(|service| label(service, labels::ROUTABLE) == "true");
    let main = main_process(routable.map(|service| label(service, labels::PROCESS)));
    let mut found = Vec::new();
    for service in ours.into_iter().filter(|service| label(service, "tsuru.io/is-headless-service") != "true") {
        let (process, version) = (label(service, labels::PROCESS), label(service, labels::VERSION));
        let version = if version.is_empty() { String::new() } else { format!("v{version}.version") };
        let dot = if version.is_empty() { "" } else { "." };
        let whole = format!("{version}{dot}{process}.process");
        if Some(process) == main {
            found.push((version, service));
        }
        found.push((whole, service));
    }
    found
}

fn label<'a>(service: &'a Service, name: &str) -> &'a str {
    service.labels().get(name).map(String::as_str).unwrap_or_default()
}

/// Made for an app, and not by a router or by somebody else, and not on its way out.
fn is_ours(service: &Service) -> bool {
    let foreign = ["tsuru.io/router-lb", "tsuru.io/external-controller"].iter().any(|name| service.labels().contains_key(*name));
    !foreign && service.metadata.deletion_timestamp.is_none()
}

/// An app that moved has the services of its old namespace until they are gone: those of the newest one count.
fn in_one_place(services: Vec<&Service>) -> Vec<&Service> {
    let newest = services.iter().max_by_key(|service| service.creation_timestamp().map(|at| at.0));
    let place = newest.and_then(|service| service.namespace());
    services.into_iter().filter(|service| service.namespace() == place).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(name: &str, process: &str, more: Value) -> Service {
        let mut labels = json!({"tsuru.io/app-process": process});
        labels.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(json!({"metadata": {"name": name, "namespace": "default", "labels": labels}})).unwrap()
    }

    fn prefixes(services: &[Service]) -> Vec<(String, String)> {
        of(services).into_iter().map(|(prefix, service)| (prefix, service.name_any())).collect()
    }

    #[test]
    fn every_service_has_a_prefix_and_those_of_the_main_process_are_the_apps_own() {
        let routable = json!({"tsuru.io/is-routable": "true"});
        let headless = json!({"tsuru.io/is-routable": "true", "tsuru.io/is-headless-service": "true"});
        let found = prefixes(&[
            service("a-admin", "admin", routable.clone()),
            service("a-web", "web", routable),
            service("a-web-units", "web", headless),
            service("a-web-v2", "web", json!({"tsuru.io/app-version": "2"})),
            service("a-router-lb", "web", json!({"tsuru.io/router-lb": "true"})),
        ]);
        let expected = [
            ("admin.process", "a-admin"),
            ("", "a-web"),
            ("web.process", "a-web"),
            ("v2.version", "a-web-v2"),
            ("v2.version.web.process", "a-web-v2"),
        ];
        assert_eq!(found, expected.map(|(prefix, name)| (prefix.to_owned(), name.to_owned())));
    }

    #[test]
    fn without_a_routable_service_no_name_is_the_apps_own() {
        let found = prefixes(&[service("a-web", "web", json!({}))]);
        assert_eq!(found, [("web.process".to_owned(), "a-web".to_owned())]);
    }

    #[test]
    fn services_of_a_namespace_that_an_app_left_do_not_count() {
        let at = |namespace: &str, time: &str| {
            let mut service = service("a-web", "web", json!({"tsuru.io/is-routable": "true"}));
            service.metadata.namespace = Some(namespace.into());
            service.metadata.creation_timestamp = serde_json::from_value(json!(time)).unwrap();
            service
        };
        let services = [at("old", "2026-01-01T00:00:00Z"), at("new", "2026-01-02T00:00:00Z")];
        assert!(of(&services).iter().all(|(_, service)| service.namespace().as_deref() == Some("new")));
    }
}
