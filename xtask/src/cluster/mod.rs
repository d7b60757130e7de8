//! `cargo xtask cluster up | down | status`: a real Kubernetes of one node on this machine, with a registry and BuildKit.
//!
//! Programs come from Debian packages (unpacked, not installed: nothing else on the machine changes or starts) and from the Go module
//! proxy (pinned in `xtask/cluster/*/go.mod`); they are kept in `target/cluster`, or where `IMPAAS_CLUSTER_CACHE` says. Everything
//! listens on loopback or on the address of a bridge that only this machine and its pods reach.

mod addons;
mod certificates;
mod clean;
mod images;
mod network;
mod parts;
mod process;
mod programs;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Result, steps::line_of};

/// The registry of images. Recorded objects name this one.
const REGISTRY: &str = "127.0.0.1:5000";
/// Where node, API server and kubelet listen: the bridge's own address, also its pods' gateway.
const NODE: &str = "10.244.0.1";
const PODS: &str = "10.244.0.0/24";
const SERVICES: &str = "10.96.0.0/16";
const BRIDGE: &str = "impaas0";
/// Sockets and mounts of containers; short, for socket names have a limit.
const RUN: &str = "/run/impaas-cluster";

/// The folders of the cluster.
pub struct Cluster {
    cache: PathBuf,
    state: PathBuf,
}

impl Cluster {
    /// The one of this project.
    pub fn here() -> Self {
        Self::of(std::env::var_os("IMPAAS_CLUSTER_CACHE").map_or_else(|| crate::test::root().join("target/cluster"), PathBuf::from))
    }

    fn of(cache: PathBuf) -> Self {
        Self { state: cache.join("state"), cache }
    }

    /// Refused while one of another folder runs: it would lose its sockets and its network.
    fn is_alone(&self) -> Result<()> {
        let Some(other) = fs::read_to_string(owner()).ok().map(PathBuf::from).filter(|other| *other != self.cache) else { return Ok(()) };
        if Self::of(other.clone()).is_running() {
            return Err(format!("another cluster runs on this machine: IMPAAS_CLUSTER_CACHE={} is its folder", other.display()));
        }
        Ok(())
    }

    /// Whether any part of it runs.
    fn is_running(&self) -> bool {
        parts::NAMES.iter().any(|name| process::running(&self.pid_file(name)).is_some())
    }

    /// Why this machine cannot run it, if it cannot.
    pub fn refused(&self) -> Option<String> {
        if !is_root() {
            return Some("a Kubernetes node needs root".to_owned());
        }
        let works = |program: &str, arguments: &[&str]| {
            let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        if !works("unshare", &["--net", "--mount", "true"]) {
            return Some("this machine allows no network and mount namespaces".to_owned());
        }
        // In a namespace of its own: it is gone with it.
        let bridge = works("unshare", &["--net", "ip", "link", "add", "impaas-try", "type", "bridge"]);
        (!bridge && works("ip", &["-V"])).then(|| "this machine allows no bridge".to_owned())
    }

    /// Builds what is missing, starts everything and waits until the node is ready. Does nothing where it runs already.
    pub fn up(&self, install: bool) -> Result<String> {
        if let Some(why) = self.refused() {
            return Err(why);
        }
        self.is_alone()?;
        programs::prepare(self, install)?;
        for folder in ["logs", "pids", "pki", "cni", "manifests", "kubelet"] {
            make_folder(&self.state.join(folder))?;
        }
        make_folder(Path::new(RUN))?;
        write(&owner(), &self.cache.to_string_lossy())?;
        certificates::prepare(self)?;
        self.write_settings()?;
        network::up(self)?;
        parts::start(self)?;
        addons::start(self)?;
        Ok(self.filled(include_str!("../../cluster/usage.txt")).replace("@TOKEN@", &certificates::token(self).unwrap_or_default()))
    }

    /// Stops everything and removes all of it but the cache: pods, processes, mounts, the bridge.
    pub fn down(&self) -> Result<String> {
        self.is_alone()?;
        parts::stop(self);
        clean::all(self)?;
        Ok(String::new())
    }

    /// Whether its node runs.
    pub fn is_up(&self) -> bool {
        process::running(&self.pid_file("kubelet")).is_some()
    }

    /// Which parts run.
    pub fn status(&self) -> String {
        let rows: Vec<String> = parts::NAMES
            .iter()
            .chain(&addons::NAMES)
            .map(|name| match process::running(&self.pid_file(name)) {
                Some(pid) => format!("{name:24} runs, process {pid}"),
                None => format!("{name:24} does not run"),
            })
            .collect();
        rows.join("\n")
    }

    /// For clients.
    pub fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    /// What tests find it by.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut all = vec![
            ("IMPAAS_KUBECONFIG", text(self.kubeconfig())),
            ("IMPAAS_KUBECTL", text(self.program("kubectl"))),
            ("IMPAAS_CLUSTER_TOKEN", certificates::token(self).unwrap_or_default()),
        ];
        if addons::is_running(self, "traefik") {
            all.extend([("IMPAAS_CLUSTER_INGRESS", format!("{NODE}:80")), ("IMPAAS_CLUSTER_INGRESS_TLS", format!("{NODE}:443"))]);
        }
        all
    }

    /// A program built from Go modules.
    fn program(&self, name: &str) -> PathBuf {
        self.cache.join("bin").join(name)
    }

    /// A file of an unpacked Debian package.
    fn debian(&self, path: &str) -> PathBuf {
        self.cache.join("debian").join(path)
    }

    fn pid_file(&self, name: &str) -> PathBuf {
        self.state.join("pids").join(name)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.state.join("logs").join(format!("{name}.log"))
    }

    /// The files in `xtask/cluster`, with this machine's folders.
    fn write_settings(&self) -> Result<()> {
        let files = [
            ("containerd.toml", include_str!("../../cluster/containerd.toml")),
            ("cni/10-impaas.conflist", include_str!("../../cluster/cni.conflist")),
            ("kubelet.yaml", include_str!("../../cluster/kubelet.yaml")),
            ("registry.yml", include_str!("../../cluster/registry.yml")),
            ("buildkitd.toml", include_str!("../../cluster/buildkitd.toml")),
            ("kubeconfig", include_str!("../../cluster/kubeconfig")),
            ("impaas.conf", include_str!("../../cluster/impaas.conf")),
        ];
        files.iter().try_for_each(|(name, text)| write(&self.state.join(name), &self.filled(text)))
    }

    fn filled(&self, text: &str) -> String {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let values = [
            ("@STATE@", path(&self.state)),
            ("@CACHE@", path(&self.cache)),
            ("@DEBIAN@", path(&self.debian(""))),
            ("@RUN@", RUN.to_owned()),
            ("@REGISTRY@", REGISTRY.to_owned()),
            ("@BRIDGE@", BRIDGE.to_owned()),
            ("@PODS@", PODS.to_owned()),
            ("@NODE@", NODE.to_owned()),
            ("@AUTHORITY@", certificates::authority(self).unwrap_or_default()),
        ];
        values.iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value))
    }

    /// `kubectl` against this cluster.
    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
        command
    }
}

/// The file that says whose cluster runs on this machine: ports, bridge and sockets are there once.
fn owner() -> PathBuf {
    Path::new(RUN).join("cache")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs a command to its end; an error holds what it printed.
fn run(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("`{line}`: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(said(&output.stdout));
    }
    Err(format!("`{line}` ended with {}\n{}\n{}", output.status, said(&output.stdout), said(&output.stderr)))
}
