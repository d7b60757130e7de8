//! The parts of the cluster: how each is started, how one sees that it is there, and in which order they end.

use std::{
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use super::{Cluster, NODE, PODS, REGISTRY, RUN, SERVICES, addons, images, process, programs, run};
use crate::Result;

/// In the order in which they start.
pub const NAMES: [&str; 9] =
    ["registry", "containerd", "buildkitd", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"];

const ETCD: &str = "127.0.0.1:2379";
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts what does not run and waits until a pod could.
pub fn start(cluster: &Cluster) -> Result<()> {
    begin_part(cluster, "registry", || listens(REGISTRY))?;
    begin_part(cluster, "containerd", || Path::new(RUN).join("containerd.sock").exists())?;
    begin_part(cluster, "buildkitd", || images::buildctl(cluster, &["debug", "workers"]).is_ok())?;
    begin_part(cluster, "etcd", || listens(ETCD))?;
    begin_part(cluster, "kube-apiserver", || run(&mut cluster.kubectl(&["get", "--raw", "/readyz"])).is_ok())?;
    for name in ["kube-controller-manager", "kube-scheduler", "kube-proxy"] {
        begin_part(cluster, name, || true)?;
    }
    images::prepare(cluster)?;
    begin_part(cluster, "kubelet", || run(&mut cluster.kubectl(&["get", "node", "impaas"])).is_ok())?;
    for ready in [
        ["wait", "--for=condition=Ready", "--timeout=120s", "node/impaas"],
        ["wait", "--for=create", "--timeout=60s", "serviceaccount/default"],
    ] {
        run(&mut cluster.kubectl(&ready)).map_err(|why| format!("{why}\n{}", log_tail(cluster, "kubelet")))?;
    }
    Ok(())
}

/// Ends pods, then everything in turn.
pub fn stop(cluster: &Cluster) {
    let stop = |name: &str| process::stop(&cluster.pid_file(name), Duration::from_secs(5));
    addons::NAMES.iter().rev().copied().for_each(stop);
    // So that nothing comes back.
    ["kube-controller-manager", "kube-scheduler"].into_iter().for_each(stop);
    if process::running(&cluster.pid_file("kubelet")).is_some() {
        drop(run(&mut cluster.kubectl(&["delete", "pods", "--all", "-A", "--grace-period=1", "--timeout=30s", "--request-timeout=40s"])));
    }
    NAMES.iter().rev().filter(|name| **name != "containerd").copied().for_each(stop);
    drop(run(&mut containers(cluster, &["tasks", "list", "-q"])).map(|ids| {
        for id in ids.lines() {
            drop(run(&mut containers(cluster, &["tasks", "delete", "--force", id])));
        }
    }));
    stop("containerd");
    drop(run(Command::new(cluster.program("kube-proxy")).arg("--cleanup").env("PATH", programs::path(cluster))));
}

/// `ctr`, for containers that no kubelet looks after any more.
fn containers(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut command = Command::new(cluster.debian("usr/bin/ctr"));
    command.args(["--address", &format!("{RUN}/containerd.sock"), "--namespace", "k8s.io", "--timeout", "10s"]).args(arguments);
    command
}

/// Starts one of these and waits until it is there.
fn begin_part(cluster: &Cluster, name: &str, there: impl FnMut() -> bool) -> Result<()> {
    begin(cluster, name, command(cluster, name), there)
}

/// Starts a program and waits until it is there.
pub fn begin(cluster: &Cluster, name: &str, mut command: Command, there: impl FnMut() -> bool) -> Result<()> {
    command.current_dir(&cluster.state).env("PATH", programs::path(cluster));
    let pid_file = cluster.pid_file(name);
    process::start(&command, &pid_file, &cluster.log(name))?;
    let mut there = there;
    let mut ended = false;
    let answered = process::wait(PATIENCE, || {
        ended = process::running(&pid_file).is_none();
        ended || there()
    });
    if answered && !ended {
        return Ok(());
    }
    let what = if ended { "ended at once" } else { "does not answer" };
    Err(format!("{name} {what}\n{}", log_tail(cluster, name)))
}

fn log_tail(cluster: &Cluster, name: &str) -> String {
    let log = std::fs::read_to_string(cluster.log(name)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// Whether somebody does at this address.
pub fn listens(address: &str) -> bool {
    let address: SocketAddr = address.parse().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

fn command(cluster: &Cluster, name: &str) -> Command {
    let state = |file: &str| cluster.state.join(file).to_string_lossy().into_owned();
    let (program, arguments) = match name {
        "registry" => (cluster.debian("usr/bin/docker-registry"), vec!["serve".to_owned(), state("registry.yml")]),
        "containerd" => (cluster.debian("usr/bin/containerd"), vec!["--config".to_owned(), state("containerd.toml")]),
        "buildkitd" => (cluster.program("buildkitd"), vec!["--config".to_owned(), state("buildkitd.toml")]),
        "etcd" => (cluster.debian("usr/bin/etcd"), etcd(&state)),
        "kube-apiserver" => (cluster.program(name), api_server(&state)),
        _ => (cluster.program(name), node_part(name, &state)),
    };
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn etcd(state: &dyn Fn(&str) -> String) -> Vec<String> {
    let peers = "http://127.0.0.1:2380";
    let client = format!("http://{ETCD}");
    words(&[
        ("--data-dir", &state("etcd")),
        ("--listen-client-urls", &client),
        ("--advertise-client-urls", &client),
        ("--listen-peer-urls", peers),
        ("--initial-advertise-peer-urls", peers),
        ("--initial-cluster", &format!("default={peers}")),
        ("--unsafe-no-fsync", "true"),
    ])
}

fn api_server(state: &dyn Fn(&str) -> String) -> Vec<String> {
    words(&[
        ("--etcd-servers", &format!("http://{ETCD}")),
        ("--bind-address", NODE),
        ("--advertise-address", NODE),
        ("--secure-port", "6443"),
        ("--service-cluster-ip-range", SERVICES),
        ("--tls-cert-file", &state("pki/apiserver.crt")),
        ("--tls-private-key-file", &state("pki/apiserver.key")),
        ("--client-ca-file", &state("pki/ca.crt")),
        ("--token-auth-file", &state("pki/tokens.csv")),
        ("--kubelet-certificate-authority", &state("pki/ca.crt")),
        ("--kubelet-client-certificate", &state("pki/admin.crt")),
        ("--kubelet-client-key", &state("pki/admin.key")),
        ("--kubelet-preferred-address-types", "InternalIP"),
        ("--authorization-mode", "Node,RBAC"),
        ("--service-account-key-file", &state("pki/sa.pub")),
        ("--service-account-signing-key-file", &state("pki/sa.key")),
        ("--service-account-issuer", "https://kubernetes.default.svc"),
        ("--allow-privileged", "true"),
    ])
}

fn node_part(name: &str, state: &dyn Fn(&str) -> String) -> Vec<String> {
    let more = match name {
        "kube-controller-manager" => words(&[
            ("--service-account-private-key-file", &state("pki/sa.key")),
            ("--root-ca-file", &state("pki/ca.crt")),
            ("--cluster-signing-cert-file", &state("pki/ca.crt")),
            ("--cluster-signing-key-file", &state("pki/ca.key")),
            ("--leader-elect", "false"),
            ("--bind-address", "127.0.0.1"),
        ]),
        "kube-scheduler" => words(&[("--leader-elect", "false"), ("--bind-address", "127.0.0.1")]),
        "kube-proxy" => words(&[
            ("--hostname-override", "impaas"),
            ("--proxy-mode", "iptables"),
            ("--cluster-cidr", PODS),
            ("--conntrack-max-per-core", "0"),
            ("--conntrack-tcp-timeout-established", "0s"),
            ("--conntrack-tcp-timeout-close-wait", "0s"),
            ("--healthz-bind-address", "127.0.0.1:10256"),
            ("--metrics-bind-address", "127.0.0.1:10249"),
        ]),
        _ => words(&[
            ("--config", &state("kubelet.yaml")),
            ("--hostname-override", "impaas"),
            ("--node-ip", NODE),
            ("--root-dir", &state("kubelet")),
            ("--cert-dir", &state("pki")),
            ("--tls-cert-file", &state("pki/kubelet.crt")),
            ("--tls-private-key-file", &state("pki/kubelet.key")),
        ]),
    };
    [words(&[("--kubeconfig", &state("kubeconfig"))]), more].concat()
}

/// Flags of a command line.
pub fn words(flags: &[(&str, &str)]) -> Vec<String> {
    flags.iter().map(|(name, value)| format!("{name}={value}")).collect()
}
