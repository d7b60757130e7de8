//! Images that no other registry gives here: the sandbox of pods, a small one with busybox, and the Python platform's.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
};

use super::{Cluster, REGISTRY, RUN, make_folder, run, write};
use crate::Result;

/// Pushes the images that the registry has not.
pub fn prepare(cluster: &Cluster) -> Result<()> {
    if !has("pause", "3.9") {
        from_folder(cluster, "pause", "pause:3.9", include_str!("../../cluster/images/Pause"), |root| busybox(cluster, root))?;
    }
    if !has("base/busybox", "latest") {
        from_folder(cluster, "busybox", "base/busybox:latest", include_str!("../../cluster/images/Busybox"), |root| small(cluster, root))?;
    }
    if !has("base/python", "latest") {
        println!("    the Python platform's image is made once");
        from_folder(cluster, "python", "base/python:latest", include_str!("../../cluster/images/Python"), python)?;
    }
    if !has("acmesolver", "latest") {
        let program = |root: &Path| copy(&cluster.program("acmesolver"), &root.join("acmesolver"));
        from_folder(cluster, "acmesolver", "acmesolver:latest", include_str!("../../cluster/images/AcmeSolver"), program)?;
    }
    Ok(())
}

/// Runs the builder's client.
pub fn buildctl(cluster: &Cluster, arguments: &[&str]) -> Result<String> {
    run(Command::new(cluster.program("buildctl")).args(["--addr", &format!("unix://{RUN}/buildkitd.sock")]).args(arguments))
}

/// Builds and pushes an image of the files that `fill` puts into a folder.
fn from_folder(cluster: &Cluster, name: &str, image: &str, dockerfile: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = cluster.state.join("images").join(name);
    let root = folder.join("root");
    drop(fs::remove_dir_all(&folder));
    make_folder(&root)?;
    fill(&root)?;
    // One file keeps owners and modes as they are.
    run(Command::new("tar").arg("--numeric-owner").arg("-C").arg(&root).arg("-cf").arg(folder.join("root.tar")).arg("."))?;
    drop(fs::remove_dir_all(&root));
    write(&folder.join("Dockerfile"), dockerfile)?;
    let place = folder.to_string_lossy();
    let [context, recipe] = ["context", "dockerfile"].map(|what| format!("{what}={place}"));
    let output = format!("type=image,name={REGISTRY}/{image},push=true,registry.insecure=true");
    buildctl(cluster, &["build", "--frontend", "dockerfile.v0", "--local", &context, "--local", &recipe, "--output", &output])?;
    drop(fs::remove_dir_all(&folder));
    Ok(())
}

fn busybox(cluster: &Cluster, root: &Path) -> Result<()> {
    make_folder(&root.join("bin"))?;
    copy(&cluster.debian("bin/busybox"), &root.join("bin/busybox"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", to.display()))
}

/// A shell and its tools, a user, and the folder where tsuru's apps are.
fn small(cluster: &Cluster, root: &Path) -> Result<()> {
    busybox(cluster, root)?;
    for name in run(Command::new(root.join("bin/busybox")).arg("--list"))?.lines().filter(|name| *name != "busybox") {
        symlink("busybox", root.join("bin").join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    for folder in ["etc", "tmp", "var/lib/tsuru", "home/application/current", "home/ubuntu"] {
        make_folder(&root.join(folder))?;
    }
    write(&root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\nubuntu:x:1000:1000::/home/ubuntu:/bin/sh\n")?;
    deploy_script(root)?;
    own(root)
}

/// Debian's smallest, with Python.
fn python(root: &Path) -> Result<()> {
    run(Command::new("debootstrap").args(["--variant=minbase", "--include=python3,ca-certificates", "bookworm"]).arg(root))?;
    run(Command::new("chroot").arg(root).args(["useradd", "-m", "-u", "1000", "-s", "/bin/bash", "ubuntu"]))?;
    for folder in ["var/lib/tsuru", "home/application/current"] {
        make_folder(&root.join(folder))?;
    }
    for folder in ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"] {
        drop(fs::remove_dir_all(root.join(folder)));
    }
    for profile in ["home/ubuntu/.profile", "root/.profile"] {
        write(&root.join(profile), "")?;
    }
    deploy_script(root)?;
    own(root)
}

/// What every platform image must have: it unpacks the archive given as `file:///path` into the app's folder.
fn deploy_script(root: &Path) -> Result<()> {
    let file = root.join("var/lib/tsuru/deploy");
    write(&file, include_str!("../../cluster/images/deploy"))?;
    run(Command::new("chmod").arg("755").arg(file)).map(drop)
}

fn own(root: &Path) -> Result<()> {
    run(Command::new("chmod").arg("1777").arg(root.join("tmp")))?;
    run(Command::new("chown").args(["-R", "1000:1000"]).arg(root.join("home"))).map(drop)
}

/// Whether the registry has it.
fn has(name: &str, tag: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(REGISTRY)?;
        let accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
        write!(stream, "GET /v2/{name}/manifests/{tag} HTTP/1.1\r\nHost: {REGISTRY}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(start.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
