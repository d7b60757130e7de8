//! What a node leaves on a machine: mounts, a bridge, groups of processes, its state.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Cluster, RUN, network, run};
use crate::Result;

/// Removes it all. What is mounted is unmounted first; a folder with a mount in it is not removed.
pub fn all(cluster: &Cluster) -> Result<()> {
    let folders = [cluster.state.clone(), PathBuf::from(RUN)];
    unmount(&folders);
    let left = mounts(&folders);
    if !left.is_empty() {
        return Err(format!("still mounted: {}", left.join(" ")));
    }
    network::down(cluster);
    for folder in folders.iter().filter(|folder| folder.exists()) {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    groups();
    links();
    Ok(())
}

fn unmount(folders: &[PathBuf]) {
    // The last mounted first; twice, for some only lets go when another has.
    for _ in 0..2 {
        for place in mounts(folders).iter().rev() {
            drop(run(Command::new("umount").arg(place)));
        }
    }
    for place in mounts(folders).iter().rev() {
        drop(run(Command::new("umount").arg("--lazy").arg(place)));
    }
}

/// What is mounted in these folders, in the order in which it was.
fn mounts(folders: &[PathBuf]) -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let places = table.lines().filter_map(|line| line.split(' ').nth(1));
    places.filter(|place| folders.iter().any(|folder| Path::new(place).starts_with(folder))).map(str::to_owned).collect()
}

/// The kubelet's control groups, empty by now.
fn groups() {
    let Ok(kinds) = fs::read_dir("/sys/fs/cgroup") else { return };
    let all = kinds.flatten().map(|kind| kind.path().join("kubepods")).chain([PathBuf::from("/sys/fs/cgroup/kubepods")]);
    all.filter(|group| group.is_dir()).for_each(|group| {
        drop(run(Command::new("find").arg(group).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])));
    });
}

/// The kubelet's names for logs that are gone.
fn links() {
    let Ok(links) = fs::read_dir("/var/log/containers") else { return };
    let gone = links.flatten().map(|link| link.path()).filter(|path| path.is_symlink() && !path.exists());
    gone.for_each(|path| drop(fs::remove_file(path)));
    // Plugins note there whom they gave an address; removed only where nobody else does.
    for folder in ["/var/lib/cni/results", "/var/lib/cni", "/var/log/containers", "/var/lib/kubelet/device-plugins", "/var/lib/kubelet"] {
        drop(fs::remove_dir(folder));
    }
}
