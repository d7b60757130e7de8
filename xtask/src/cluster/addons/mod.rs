//! What a real cluster has besides: names in pods (CoreDNS), an ingress controller (Traefik, for Ingresses and Gateway API), volumes
//! (local-path-provisioner), metrics (metrics-server), certificates (cert-manager, from pebble, an ACME server for tests), and what KEDA
//! and the vertical pod autoscaler define. They run on the node, outside of pods: a kubeconfig is all they need.

mod build;
mod commands;

pub use build::prepare;

use std::path::PathBuf;

use super::{
    Cluster, NODE, make_folder,
    parts::{self, listens},
    process, run, write,
};
use crate::Result;

/// In the order in which they start.
pub const NAMES: [&str; 6] = ["coredns", "traefik", "local-path-provisioner", "metrics-server", "pebble", "cert-manager"];

/// Kinds of objects that are no part of Kubernetes, in folders of the cache.
const DEFINITIONS: [&str; 5] = ["gateway-api", "listener-sets", "cert-manager", "keda", "vertical-pod-autoscaler"];

const SETTINGS: [(&str, &str); 8] = [
    ("Corefile", include_str!("../../../cluster/addons/settings/Corefile")),
    ("coredns.yaml", include_str!("../../../cluster/addons/settings/coredns.yaml")),
    ("traefik.yaml", include_str!("../../../cluster/addons/settings/traefik.yaml")),
    ("local-path-provisioner.json", include_str!("../../../cluster/addons/settings/local-path-provisioner.json")),
    ("local-path-provisioner.yaml", include_str!("../../../cluster/addons/settings/local-path-provisioner.yaml")),
    ("metrics-server.yaml", include_str!("../../../cluster/addons/settings/metrics-server.yaml")),
    ("pebble.json", include_str!("../../../cluster/addons/settings/pebble.json")),
    ("cert-manager.yaml", include_str!("../../../cluster/addons/settings/cert-manager.yaml")),
];

/// Starts what does not run.
pub fn start(cluster: &Cluster) -> Result<()> {
    let missing: Vec<&str> = NAMES.into_iter().filter(|name| !is_running(cluster, name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    make_folder(&settings(cluster))?;
    for (name, text) in SETTINGS {
        write(&settings(cluster).join(name), &cluster.filled(text))?;
    }
    define(cluster)?;
    missing.into_iter().try_for_each(|name| begin(cluster, name))?;
    // While a group of the API does not answer, no namespace is removed.
    run(&mut cluster.kubectl(&["wait", "--for=condition=Available", "--timeout=60s", "apiservice/v1beta1.metrics.k8s.io"])).map(drop)
}

/// Not where they run: Traefik would take a `traefik.yaml` there for its own settings.
fn settings(cluster: &Cluster) -> PathBuf {
    cluster.state.join("addons")
}

fn begin(cluster: &Cluster, name: &str) -> Result<()> {
    let objects = settings(cluster).join(format!("{name}.yaml"));
    if objects.is_file() {
        run(cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f"]).arg(objects))?;
    }
    parts::begin(cluster, name, commands::of(cluster, name), || port(name).is_none_or(|port| listens(&format!("{NODE}:{port}"))))
}

fn define(cluster: &Cluster) -> Result<()> {
    for name in DEFINITIONS {
        let folder = cluster.cache.join("definitions").join(name);
        run(cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f"]).arg(&folder))?;
        run(cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "-f"]).arg(&folder))?;
    }
    Ok(())
}

/// Whether it runs.
pub fn is_running(cluster: &Cluster, name: &str) -> bool {
    process::running(&cluster.pid_file(name)).is_some()
}

/// Where it listens, if it does.
fn port(name: &str) -> Option<u16> {
    match name {
        "coredns" => Some(53),
        "traefik" => Some(80),
        "metrics-server" => Some(4443),
        "pebble" => Some(14000),
        _ => None,
    }
}
