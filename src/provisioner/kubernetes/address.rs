//! Where other apps reach the processes of an app: its services.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::ResourceExt;

use super::objects::labels::PROCESS;
use crate::provisioner::InternalAddress;

const ROUTER: &str = "tsuru.io/router-lb";
const FOREIGN: &str = "tsuru.io/external-controller";
const HEADLESS: &str = "tsuru.io/is-headless-service";
const VERSION: &str = "version";
/// The labels of services that are read here.
pub const LABELS: [&str; 5] = [ROUTER, FOREIGN, HEADLESS, PROCESS, VERSION];

/// Where other apps reach the app's processes: through its services, headless ones left out, the main base one first.
pub fn of(services: &[impl AsRef<Service>]) -> Vec<InternalAddress> {
    let mut all: Vec<InternalAddress> = services.iter().flat_map(|service| of_service(service.as_ref())).collect();
    all.sort_by_key(|address| (!address.version.is_empty(), address.process != "web"));
    all
}

fn of_service(service: &Service) -> Vec<InternalAddress> {
    let labels = service.labels();
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    if labels.contains_key(ROUTER) || labels.contains_key(FOREIGN) || label(HEADLESS) == "true" {
        return Vec::new();
    }
    let domain = format!("{}.{}.svc.cluster.local", service.name_any(), service.namespace().unwrap_or_default());
    let version = label(VERSION).trim_start_matches('v').to_owned();
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let address = |port: &ServicePort| {
        let number = |port: i32| u16::try_from(port).unwrap_or_default();
        let target = match &port.target_port {
            Some(IntOrString::Int(target)) => number(*target),
            _ => number(port.port),
        };
        InternalAddress {
            domain: domain.clone(),
            protocol: port.protocol.clone().unwrap_or_else(|| "TCP".into()),
            port: number(port.port),
            target_port: target,
            version: version.clone(),
            process: label(PROCESS),
        }
    };
    ports.iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn services_are_addresses_and_headless_ones_are_not() {
        let service = |name: &str, more: serde_json::Value| -> Arc<Service> {
            let mut labels = json!({"tsuru.io/app-process": "web"});
            labels.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let spec = json!({"ports": [{"port": 80, "targetPort": 8888}]});
            Arc::new(
                serde_json::from_value(json!({"metadata": {"name": name, "namespace": "default", "labels": labels}, "spec": spec}))
                    .unwrap(),
            )
        };
        let found = of(&[
            service("a-web-v2", json!({"version": "v2"})),
            service("a-web", json!({})),
            service("a-web-units", json!({"tsuru.io/is-headless-service": "true"})),
            service("a-router-lb", json!({"tsuru.io/router-lb": "true"})),
        ]);
        let seen: Vec<_> = found.iter().map(|a| (a.domain.as_str(), a.port, a.target_port, a.version.as_str())).collect();
        let expected = [("a-web.default.svc.cluster.local", 80, 8888, ""), ("a-web-v2.default.svc.cluster.local", 80, 8888, "2")];
        assert_eq!(seen, expected);
    }
}
