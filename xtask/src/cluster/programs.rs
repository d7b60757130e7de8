//! The programs: Debian packages, unpacked; Kubernetes and BuildKit, built from Go modules. Both once.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{Cluster, make_folder, write};
use crate::{
    Result,
    steps::{line_of, shown},
    tools,
};

/// Their programs are run from where they are unpacked: installed, some would start as services of the machine.
const PACKAGES: [&str; 6] = ["etcd-server", "containerd", "runc", "containernetworking-plugins", "docker-registry", "busybox-static"];

const KUBERNETES: [&str; 6] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"];
const KUBERNETES_VERSION: &str = "1.34.4";
const BUILDKIT: [&str; 2] = ["buildkitd", "buildctl"];

/// Makes sure that all of them are in the cache.
pub fn prepare(cluster: &Cluster, install: bool) -> Result<()> {
    tools::prepare_cluster(install)?;
    unpack(cluster)?;
    let version = format!("v{KUBERNETES_VERSION}");
    let flags = format!("-s -w -X k8s.io/component-base/version.gitVersion={version} -X k8s.io/client-go/pkg/version.gitVersion={version}");
    build(
        cluster,
        "kubernetes",
        include_str!("../../cluster/kubernetes/go.mod"),
        &flags,
        &KUBERNETES.map(|name| format!("k8s.io/kubernetes/cmd/{name}")),
    )?;
    build(
        cluster,
        "buildkit",
        include_str!("../../cluster/buildkit/go.mod"),
        "-s -w",
        &BUILDKIT.map(|name| format!("github.com/moby/buildkit/cmd/{name}")),
    )
}

/// Builds programs of Go modules, unless those are there that the same `go.mod` gave.
fn build(cluster: &Cluster, name: &str, pinned: &str, flags: &str, programs: &[String]) -> Result<()> {
    let (bin, stamp) = (cluster.cache.join("bin"), cluster.cache.join(format!("{name}.made-from")));
    if fs::read_to_string(&stamp).is_ok_and(|of| of == pinned) {
        return Ok(());
    }
    make_folder(&bin)?;
    println!("    {name} is built once, which takes some minutes");
    let mut go = Command::new("nice");
    go.args(["go", "build", "-ldflags", flags, "-o"]).arg(format!("{}/", bin.display())).args(programs);
    go.current_dir(crate::test::root().join("xtask/cluster").join(name)).env("CGO_ENABLED", "0");
    shown(&mut go)?;
    write(&stamp, pinned)
}

/// Unpacks what apt has into the cache.
fn unpack(cluster: &Cluster) -> Result<()> {
    let (to, stamp) = (cluster.debian(""), cluster.cache.join("debian.made-from"));
    let wanted = PACKAGES.join(" ");
    if fs::read_to_string(&stamp).is_ok_and(|of| of == wanted) {
        return Ok(());
    }
    let fetched = cluster.cache.join("packages");
    drop(fs::remove_dir_all(&fetched));
    make_folder(&fetched)?;
    make_folder(&to)?;
    let download = ["-q", "-o", "APT::Sandbox::User=root", "download"];
    if quiet(Command::new("apt-get").args(download).args(PACKAGES).current_dir(&fetched)).is_err() {
        quiet(Command::new("apt-get").args(["update", "-qq"]))?;
        quiet(Command::new("apt-get").args(download).args(PACKAGES).current_dir(&fetched))?;
    }
    for package in fs::read_dir(&fetched).map_err(|error| error.to_string())?.flatten() {
        quiet(Command::new("dpkg-deb").arg("--extract").arg(package.path()).arg(&to))?;
    }
    drop(fs::remove_dir_all(&fetched));
    write(&stamp, &wanted)
}

/// A `PATH` on which containerd finds its shim, and plugins find iptables.
pub fn path(cluster: &Cluster) -> String {
    let own = [cluster.debian("usr/bin"), cluster.debian("usr/sbin"), Path::new("/usr/sbin").to_owned(), Path::new("/sbin").to_owned()];
    let machine = env::var_os("PATH").unwrap_or_default();
    let all = own.into_iter().chain(env::split_paths(&machine));
    env::join_paths(all).unwrap_or_default().to_string_lossy().into_owned()
}

fn quiet(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    match command.stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}`: {error}")),
    }
}
