//! The bridge that node and pods meet on.

use std::{fs, process::Command};

use super::{BRIDGE, Cluster, NODE, SERVICES, run, write};
use crate::Result;

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// Makes the bridge, and lets the kernel forward between pods and services.
pub fn up(cluster: &Cluster) -> Result<()> {
    let kept = cluster.state.join("ip_forward");
    if !kept.is_file() {
        write(&kept, &fs::read_to_string(FORWARD).unwrap_or_default())?;
    }
    drop(fs::write(FORWARD, "1"));
    if ip(&["link", "show", BRIDGE]).is_err() {
        ip(&["link", "add", BRIDGE, "type", "bridge"])?;
        ip(&["address", "add", &format!("{NODE}/24"), "dev", BRIDGE])?;
    }
    ip(&["link", "set", BRIDGE, "up"])?;
    // What is sent to a service that has no rules yet must not leave the machine, where somebody else may answer.
    ip(&["route", "replace", SERVICES, "dev", BRIDGE])?;
    // Answers of a service's pod to a pod on the same bridge must pass the rules that rewrite them.
    drop(fs::write(format!("/sys/class/net/{BRIDGE}/bridge/nf_call_iptables"), "1"));
    Ok(())
}

/// As it was before; the chain is the one rule that kube-proxy's own cleaning leaves.
pub fn down(cluster: &Cluster) {
    let iptables = |words: &str| run(Command::new("/usr/sbin/iptables").args(words.split(' ')));
    for rule in ["-D INPUT -j KUBE-FIREWALL", "-D OUTPUT -j KUBE-FIREWALL", "-F KUBE-FIREWALL", "-X KUBE-FIREWALL"] {
        drop(iptables(rule));
    }
    drop(ip(&["link", "delete", BRIDGE]));
    if let Ok(before) = fs::read_to_string(cluster.state.join("ip_forward")) {
        drop(fs::write(FORWARD, before));
    }
}

fn ip(arguments: &[&str]) -> Result<String> {
    run(Command::new("ip").args(arguments))
}
