//! How each of them is started.

use std::process::Command;

use super::super::{Cluster, NODE, REGISTRY, parts::words};

/// Its command line.
pub fn of(cluster: &Cluster, name: &str) -> Command {
    let state = |file: &str| cluster.state.join(file).to_string_lossy().into_owned();
    let kubeconfig = state("kubeconfig");
    let arguments = match name {
        "coredns" => vec!["-conf".to_owned(), state("addons/Corefile")],
        "traefik" => traefik(),
        "local-path-provisioner" => [vec!["start".to_owned()], local_path_provisioner(&state)].concat(),
        "metrics-server" => metrics_server(&state),
        "pebble" => ["-config", &state("addons/pebble.json"), "-dnsserver", &format!("{NODE}:53")].map(str::to_owned).to_vec(),
        _ => cert_manager(&kubeconfig),
    };
    let program = if name == "pebble" { cluster.debian("usr/bin/pebble") } else { cluster.program(name) };
    let mut command = Command::new(program);
    // Pebble waits before it validates, and refuses some of the numbers that it gave, unless told not to.
    command.args(arguments).env("KUBECONFIG", &kubeconfig).env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
    command
}

fn traefik() -> Vec<String> {
    words(&[
        ("--entrypoints.web.address", &format!("{NODE}:80")),
        ("--entrypoints.websecure.address", &format!("{NODE}:443")),
        ("--entrypoints.websecure.http.tls", "true"),
        ("--providers.providersthrottleduration", "200ms"),
        ("--providers.kubernetesingress", "true"),
        ("--providers.kubernetesingress.ingressendpoint.ip", NODE),
        ("--providers.kubernetesgateway", "true"),
        ("--providers.kubernetesgateway.statusaddress.ip", NODE),
        ("--global.checknewversion", "false"),
        ("--global.sendanonymoususage", "false"),
    ])
}

fn local_path_provisioner(state: &dyn Fn(&str) -> String) -> Vec<String> {
    words(&[
        ("--config", &state("addons/local-path-provisioner.json")),
        ("--kubeconfig", &state("kubeconfig")),
        ("--namespace", "local-path-storage"),
        ("--helper-image", &format!("{REGISTRY}/base/busybox:latest")),
    ])
}

fn metrics_server(state: &dyn Fn(&str) -> String) -> Vec<String> {
    words(&[
        ("-kubeconfig", &state("kubeconfig")),
        ("-address", NODE),
        ("-certificate", &state("pki/apiserver.crt")),
        ("-key", &state("pki/apiserver.key")),
    ])
}

fn cert_manager(kubeconfig: &str) -> Vec<String> {
    words(&[
        ("-kubeconfig", kubeconfig),
        ("-solver-image", &format!("{REGISTRY}/acmesolver:latest")),
        ("-nameserver", &format!("{NODE}:53")),
        ("-issuer", "pebble"),
    ])
}
