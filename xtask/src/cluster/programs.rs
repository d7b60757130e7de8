//! The programs: Debian packages, unpacked; Kubernetes and BuildKit, built from Go modules. Both once.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Cluster, addons, make_folder, write};
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

/// Programs are built of it.
pub struct Module {
    pub name: &'static str,
    pub folder: PathBuf,
    /// What it is made of: versions, at least.
    pub pinned: String,
    /// For the linker.
    pub flags: String,
}

impl Module {
    /// One of `xtask/cluster`.
    pub fn here(name: &'static str, pinned: &str, flags: String) -> Self {
        Self { name, folder: crate::test::root().join("xtask/cluster").join(name), pinned: pinned.to_owned(), flags }
    }

    /// True where programs are in the cache that were built of the same.
    pub fn is_built(&self, cluster: &Cluster) -> bool {
        fs::read_to_string(self.stamp(cluster)).is_ok_and(|of| of == self.pinned)
    }

    fn stamp(&self, cluster: &Cluster) -> PathBuf {
        cluster.cache.join(format!("{}.made-from", self.name))
    }
}

/// Makes sure that all of them are in the cache.
pub fn prepare(cluster: &Cluster, install: bool) -> Result<()> {
    tools::prepare_cluster(install)?;
    unpack(cluster, "debian", &PACKAGES)?;
    let version = format!("v{KUBERNETES_VERSION}");
    let flags = format!("-s -w -X k8s.io/component-base/version.gitVersion={version} -X k8s.io/client-go/pkg/version.gitVersion={version}");
    let kubernetes = Module::here("kubernetes", include_str!("../../cluster/kubernetes/go.mod"), flags);
    build(cluster, &kubernetes, &KUBERNETES.map(|name| format!("k8s.io/kubernetes/cmd/{name}")))?;
    let buildkit = Module::here("buildkit", include_str!("../../cluster/buildkit/go.mod"), "-s -w".to_owned());
    build(cluster, &buildkit, &BUILDKIT.map(|name| format!("github.com/moby/buildkit/cmd/{name}")))?;
    addons::prepare(cluster)
}

/// Builds programs of Go modules, unless they are there.
pub fn build(cluster: &Cluster, module: &Module, programs: &[String]) -> Result<()> {
    if module.is_built(cluster) {
        return Ok(());
    }
    let bin = cluster.cache.join("bin");
    make_folder(&bin)?;
    println!("    {} is built once, which takes some minutes", module.name);
    let mut go = Command::new("nice");
    // The linker would leave out what is for debuggers; the compiler may take memory for less time.
    go.args(["go", "build", "-gcflags=all=-dwarf=false", "-ldflags", &module.flags, "-o"])
        .arg(format!("{}/", bin.display()))
        .args(programs);
    go.current_dir(&module.folder).envs([("CGO_ENABLED", "0"), ("GOGC", "400")]);
    shown(&mut go)?;
    write(&module.stamp(cluster), &module.pinned)
}

/// Unpacks what apt has into the cache.
pub fn unpack(cluster: &Cluster, name: &str, packages: &[&str]) -> Result<()> {
    let (to, stamp) = (cluster.debian(""), cluster.cache.join(format!("{name}.made-from")));
    let wanted = packages.join(" ");
    if fs::read_to_string(&stamp).is_ok_and(|of| of == wanted) {
        return Ok(());
    }
    let fetched = cluster.cache.join("packages");
    drop(fs::remove_dir_all(&fetched));
    make_folder(&fetched)?;
    make_folder(&to)?;
    let download = ["-q", "-o", "APT::Sandbox::User=root", "download"];
    if quiet(Command::new("apt-get").args(download).args(packages).current_dir(&fetched)).is_err() {
        quiet(Command::new("apt-get").args(["update", "-qq"]))?;
        quiet(Command::new("apt-get").args(download).args(packages).current_dir(&fetched))?;
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
