//! Their programs, from Go modules and a Debian package, and the kinds of objects that they and KEDA define.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::super::{
    Cluster, make_folder,
    programs::{self, Module},
    run, write,
};
use crate::Result;

/// Modules of which only definitions are used: where those are in them.
const DEFINED_IN: [(&str, &str, &str); 5] = [
    ("gateway-api", "sigs.k8s.io/gateway-api", "config/crd/standard"),
    // Later than Traefik's, which serves no sets of listeners: they can be written, at least.
    ("listener-sets", "sigs.k8s.io/gateway-api@v1.5.1", "config/crd/standard/gateway.networking.k8s.io_listenersets.yaml"),
    ("cert-manager", "github.com/cert-manager/cert-manager", "deploy/crds"),
    ("keda", "github.com/kedacore/keda/v2@v2.21.0", "config/crd/bases"),
    ("vertical-pod-autoscaler", "k8s.io/autoscaler/vertical-pod-autoscaler@v1.7.0", "deploy/vpa-v1-crd-gen.yaml"),
];
const LEGO: &str = "github.com/go-acme/lego/v4@v4.33.0";

/// Traefik's own, and ours of the packages of others: `xtask/cluster/addons` says why.
const TRAEFIK: &str = "github.com/traefik/traefik/v3/cmd/traefik";
const OURS: [&str; 4] = ["coredns", "metrics-server", "cert-manager", "acmesolver"];

/// Makes sure that all of it is in the cache.
pub fn prepare(cluster: &Cluster) -> Result<()> {
    programs::unpack(cluster, "debian-addons", &["pebble"])?;
    let here = crate::test::root().join("xtask/cluster/addons");
    let pinned = pinned(&here)?;
    let module = Module { name: "addons", folder: cluster.cache.join("addons"), pinned, flags: "-s -w".to_owned() };
    if !module.is_built(cluster) {
        copy(&here, &module.folder)?;
        without_providers(&module.folder)?;
    }
    definitions(cluster, &module)?;
    let own = OURS.map(|name| format!("./{name}"));
    programs::build(cluster, &module, &[&own[..], &[TRAEFIK.to_owned()]].concat())?;
    let provisioner =
        Module::here("local-path-provisioner", include_str!("../../../cluster/local-path-provisioner/go.mod"), "-s -w".to_owned());
    programs::build(cluster, &provisioner, &["github.com/rancher/local-path-provisioner".to_owned()])
}

/// What makes another build necessary: versions, and the text of our own programs.
fn pinned(folder: &Path) -> Result<String> {
    let own = OURS.map(|name| format!("{name}/main.go"));
    let files = ["go.mod", "lego-dns/dns.go"].into_iter().chain(own.iter().map(String::as_str));
    files.map(|file| read(&folder.join(file))).collect()
}

/// Half of Traefik are libraries of all who sell names, by its ACME client lego: it is built with a copy of lego that knows none of them.
fn without_providers(folder: &Path) -> Result<()> {
    let lego = folder.join("lego");
    // Asked outside of the module, which says that this copy is lego.
    copy(&module_folder(Path::new("/"), LEGO)?, &lego)?;
    copy(&folder.join("lego-dns"), &lego.join("providers/dns"))
}

fn definitions(cluster: &Cluster, module: &Module) -> Result<()> {
    let (to, stamp) = (cluster.cache.join("definitions"), cluster.cache.join("definitions.made-from"));
    let wanted = format!("{DEFINED_IN:?}{}", module.pinned);
    if fs::read_to_string(&stamp).is_ok_and(|of| of == wanted) {
        return Ok(());
    }
    make_folder(&to)?;
    for (name, source, place) in DEFINED_IN {
        copy(&module_folder(&module.folder, source)?.join(place), &to.join(name))?;
    }
    write(&stamp, &wanted)
}

/// Where a module's files are; they are downloaded, and compared with Go's checksums.
fn module_folder(folder: &Path, module: &str) -> Result<PathBuf> {
    let told = run(Command::new("go").args(["mod", "download", "-json", module]).current_dir(folder))?;
    let place = told.lines().find_map(|line| line.trim().strip_prefix("\"Dir\": \"")?.strip_suffix("\","));
    place.map(PathBuf::from).ok_or_else(|| format!("{module} is nowhere: {told}"))
}

/// Go keeps modules where nothing can be written.
fn copy(from: &Path, to: &Path) -> Result<()> {
    drop(fs::remove_dir_all(to));
    run(Command::new("cp").arg("-r").arg(from).arg(to))?;
    run(Command::new("chmod").args(["-R", "u+w"]).arg(to)).map(drop)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
