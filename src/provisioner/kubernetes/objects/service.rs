//! Services: how the processes of an app are reached inside a cluster.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{
    Making,
    account::mapped,
    labels::{self, Labels},
    meta, names, ports, some,
};
use crate::build::tsuru_yaml::Port;

/// Annotations of services, as JSON.
const SAID: &str = "app.tsuru.io/k8s-service";

/// All services of a process, from its deployments of all versions: that of each version where there are several, the one that leads
/// to what is routable, and the one that names each unit.
pub fn all(makings: &[Making<'_>]) -> Vec<Service> {
    let serving = || makings.iter().filter(|m| !own_ports(m).is_empty());
    let several = makings.iter().any(|m| !m.spot.base) || makings.iter().any(|m| m.pool.versioned_services);
    let mut services: Vec<Service> = serving().filter(|_| several).map(versioned).collect();
    let routable = serving().filter(|m| m.spot.routable).max_by_key(|m| (m.spot.base, m.process.version));
    services.extend(routable.map(base));
    let first = makings.iter().find(|m| m.spot.base).filter(|m| m.pool.headless && !services.is_empty());
    services.extend(first.map(|m| headless(m, routable)));
    services
}

/// The services that a deploy of this version writes: the one that names each unit only with the base deployment.
pub fn of_deploy(makings: &[Making<'_>], version: u32) -> Vec<Service> {
    let base = makings.iter().any(|m| m.spot.base && m.process.version == version);
    let named = |service: &Service| service.spec.as_ref().is_some_and(|spec| spec.cluster_ip.as_deref() == Some("None"));
    all(makings).into_iter().filter(|service| base || !named(service)).collect()
}

fn own_ports(m: &Making<'_>) -> Vec<Port> {
    ports::of(&m.process.pod, m.server.port)
}

/// The service that leads to what is routable.
pub fn base(m: &Making<'_>) -> Service {
    let mut annotations = m.pool.base_annotations.clone();
    annotations.extend(m.pool.all_annotations.clone());
    annotations.extend(said(&m.process.pod.annotations));
    let name = names::base(&m.app.app, &m.process.name);
    service(m, name, (labels::base_service(m), annotations), (labels::routable(m), service_ports(m)))
}

/// The service of one version.
pub fn versioned(m: &Making<'_>) -> Service {
    let mut annotations = m.pool.all_annotations.clone();
    annotations.extend(said(&m.app.place.annotations));
    let name = names::versioned(&m.app.app, &m.process.name, m.process.version);
    service(m, name, (labels::versioned_service(m), annotations), (labels::of_version(m), service_ports(m)))
}

/// The service that names each unit; its ports are those of what is routable.
pub fn headless(m: &Making<'_>, routable: Option<&Making<'_>>) -> Service {
    let usual = i32::try_from(m.server.headless_port).unwrap_or_default();
    let mut ports = routable.map(service_ports).unwrap_or_default();
    if ports.is_empty() {
        ports.push(ServicePort {
            protocol: Some("TCP".into()),
            port: usual,
            target_port: Some(IntOrString::Int(usual)),
            ..ServicePort::default()
        });
    }
    for (i, port) in ports.iter_mut().enumerate() {
        port.name = Some(format!("http-headless-{}", i + 1));
    }
    let name = names::headless(&m.app.app, &m.process.name);
    let mut service = service(m, name, (labels::headless_service(m), Labels::new()), (labels::routable(m), ports));
    if let Some(spec) = &mut service.spec {
        spec.cluster_ip = Some("None".into());
    }
    service
}

fn said(annotations: &Labels) -> Labels {
    annotations.get(SAID).map(|json| mapped(json)).unwrap_or_default()
}

fn service_ports(m: &Making<'_>) -> Vec<ServicePort> {
    let number = |port: u32| if port == 0 { m.server.port } else { port };
    let number = |port: u32| i32::try_from(number(port)).unwrap_or_default();
    let port = |port: Port| ServicePort {
        name: Some(port.name),
        protocol: Some(port.protocol),
        port: number(port.port),
        target_port: Some(IntOrString::Int(number(port.target_port))),
        ..ServicePort::default()
    };
    own_ports(m).into_iter().map(port).collect()
}

fn service(
    m: &Making<'_>,
    name: String,
    (labels, annotations): (Labels, Labels),
    (selector, ports): (Labels, Vec<ServicePort>),
) -> Service {
    let mut metadata = meta(name, &m.spot.namespace, labels);
    metadata.annotations = some(annotations);
    let spec = ServiceSpec { selector: Some(selector), ports: Some(ports), type_: Some("ClusterIP".into()), ..ServiceSpec::default() };
    Service { metadata, spec: Some(spec), status: None }
}

/// With what the API server gave to the service that is there: its address, its ports on nodes, and its version.
pub fn over(mut service: Service, existing: &Service) -> Service {
    service.metadata.resource_version.clone_from(&existing.metadata.resource_version);
    if let (Some(spec), Some(old)) = (&mut service.spec, &existing.spec) {
        spec.cluster_ip.clone_from(&old.cluster_ip);
        let given = old.ports.iter().flatten().map(|port| port.node_port);
        for (port, given) in spec.ports.iter_mut().flatten().zip(given) {
            port.node_port = given;
        }
    }
    service
}
