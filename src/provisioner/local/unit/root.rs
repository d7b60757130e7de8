//! What an app sees: the machine's programs, read-only; its own home, `/tmp` and volumes; nobody else's processes; not the folder of the
//! server.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Component, Path, PathBuf},
};

use nix::{
    mount::{MntFlags, umount2},
    sched::{CloneFlags, unshare},
    unistd::{fchdir, getegid, geteuid, pivot_root},
};

use super::{
    mounts::{self, bind, read_only, special, tmpfs},
    step,
};
use crate::{
    error::{Error, Result},
    provisioner::local::spec::{Bind, Sandbox},
};

/// The app's folder.
pub const CURRENT: &str = "/home/application/current";
/// The app's user, as in tsuru's images.
const USER: u32 = 1000;
/// The machine's root while the new one is built.
const OLD: &str = "/old";
/// The new root while it is built.
const NEW: &str = "/new";
/// Entries of the machine's root that an app gets fresh.
const FRESH: [&str; 5] = ["dev", "home", "proc", "run", "tmp"];
/// What it keeps of `/run`: name servers, and programs where they live there. Sockets of daemons that would act for it are not there.
const RUN: [&str; 4] = ["systemd/resolve", "resolvconf", "NetworkManager/resolv.conf", "current-system"];
/// Device files an app may use.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Builds the sandbox and moves this process into it, without any power left over it.
pub fn build(sandbox: &Sandbox, folder: &Path) -> Result<()> {
    step("make a mount namespace", unshare(CloneFlags::CLONE_NEWNS))?;
    mounts::make_private()?;
    stage()?;
    machine()?;
    devices()?;
    special("proc", &inside("/proc"), None)?;
    home(sandbox, folder)?;
    passwd(sandbox)?;
    let mut writable = own_places();
    for volume in &sandbox.binds {
        writable.extend(place(volume)?);
    }
    for hidden in &sandbox.hidden {
        cover(hidden)?;
    }
    protect(&writable)?;
    leave()?;
    surrender()
}

/// A path in the new root.
fn inside(path: &str) -> PathBuf {
    Path::new(NEW).join(path.trim_start_matches('/'))
}

/// A path in the old root, while it is still there.
fn outside(path: &Path) -> PathBuf {
    Path::new(OLD).join(path.strip_prefix("/").unwrap_or(path))
}

fn make_folder(path: &Path) -> Result<()> {
    step(&format!("make {}", path.display()), fs::create_dir_all(path))
}

/// An empty root with the old one at `/old` and an empty one at `/new`. Mounted over `/tmp`, which is uncovered again by the move.
fn stage() -> Result<()> {
    let base = Path::new("/tmp");
    tmpfs(base, "mode=0755")?;
    for name in [OLD, NEW] {
        make_folder(&base.join(name.trim_start_matches('/')))?;
    }
    step("enter the new root", pivot_root(base, &base.join("old")))?;
    step("enter the new root", std::env::set_current_dir("/"))?;
    tmpfs(Path::new(NEW), "mode=0755")
}

/// Every entry of the machine's root that is not made fresh.
fn machine() -> Result<()> {
    for entry in step("read /", fs::read_dir(OLD))?.flatten() {
        let name = entry.file_name();
        let to = Path::new(NEW).join(&name);
        if !FRESH.iter().any(|fresh| name == *fresh) {
            // What cannot be shown (a stranger's FUSE mount) is not there for apps.
            let _ = mirror(&entry.path(), &to);
        }
    }
    FRESH.iter().try_for_each(|name| make_folder(&Path::new(NEW).join(name)))?;
    for kept in RUN {
        let (from, to) = (Path::new(OLD).join("run").join(kept), inside("/run").join(kept));
        if let Some(parent) = to.parent().filter(|_| from.exists()) {
            make_folder(parent)?;
            mirror(&from, &to)?;
        }
    }
    Ok(())
}

/// The same entry at a second place: a link is copied, everything else bound.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    let kind = step(&format!("look at {}", from.display()), fs::symlink_metadata(from))?;
    if kind.is_symlink() {
        let target = step("read a link", fs::read_link(from))?;
        return step("copy a link", symlink(target, to));
    }
    if kind.is_dir() {
        make_folder(to)?;
    } else {
        step(&format!("make {}", to.display()), fs::write(to, ""))?;
    }
    bind(from, to)
}

fn devices() -> Result<()> {
    let dev = inside("/dev");
    tmpfs(&dev, "mode=0755")?;
    for name in DEVICES {
        mirror(&Path::new(OLD).join("dev").join(name), &dev.join(name))?;
    }
    for (name, target) in [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("ptmx", "pts/ptmx")] {
        step("link a device", symlink(target, dev.join(name)))?;
    }
    make_folder(&dev.join("shm"))?;
    tmpfs(&dev.join("shm"), "mode=1777")?;
    make_folder(&dev.join("pts"))?;
    special("devpts", &dev.join("pts"), Some("newinstance,ptmxmode=0666,mode=620"))
}

/// `/home` keeps its folders; `/home/application` and `/tmp` are the unit's own.
fn home(sandbox: &Sandbox, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(outside(Path::new("/home"))).into_iter().flatten().flatten() {
        if entry.file_name() != "application" {
            let _ = mirror(&entry.path(), &inside("/home").join(entry.file_name()));
        }
    }
    make_folder(&inside("/home/application"))?;
    bind(&outside(&sandbox.home), &inside("/home/application"))?;
    make_folder(&inside(CURRENT))?;
    bind(&outside(folder), &inside(CURRENT))?;
    bind(&outside(&sandbox.tmp), &inside("/tmp"))?;
    match inside("/var/tmp").is_dir() {
        true => bind(&outside(&sandbox.tmp), &inside("/var/tmp")),
        false => Ok(()),
    }
}

/// The app's user has a name. The file lies in the unit's `/tmp` folder for a moment only.
fn passwd(sandbox: &Sandbox) -> Result<()> {
    let at = inside("/etc/passwd");
    let Ok(known) = fs::read_to_string(&at) else { return Ok(()) };
    let others = known.lines().filter(|line| line.split(':').nth(2) != Some("1000"));
    let mut text: String = others.map(|line| format!("{line}\n")).collect();
    text.push_str(&format!("application:x:{USER}:{USER}::/home/application:/bin/sh\n"));
    let draft = outside(&sandbox.tmp).join(".passwd");
    step("write passwd", fs::write(&draft, text))?;
    bind(&draft, &at)?;
    step("remove the draft", fs::remove_file(&draft))
}

fn own_places() -> Vec<PathBuf> {
    ["/home/application", CURRENT, "/tmp", "/var/tmp", "/dev", "/proc"].iter().map(|path| inside(path)).collect()
}

/// Mounts a volume; gives its place when it may be written.
fn place(volume: &Bind) -> Result<Option<PathBuf>> {
    let at = mount_point(&volume.to)?;
    let from = outside(&volume.from);
    let both = volume.over.as_ref().map(|lower| mounts::overlay(&outside(lower), &from, &at));
    // Not every kernel and filesystem can: then it is the folder alone.
    if both.is_none_or(|both| both.is_err()) {
        bind(&from, &at)?;
    }
    if volume.read_only {
        for mounted in mounts::below(&at)? {
            read_only(&mounted)?;
        }
        return Ok(None);
    }
    Ok(Some(at))
}

/// Finds or makes the folder of a mount. The machine's own folders stay as they are: one that lacks it is shown through a fresh folder
/// with the same children.
fn mount_point(path: &Path) -> Result<PathBuf> {
    let wrong = || Error::invalid(format!("a volume cannot be mounted at {}", path.display()));
    let mut at = PathBuf::from(NEW);
    for part in path.components() {
        match part {
            Component::RootDir => continue,
            Component::Normal(name) => {
                let next = at.join(name);
                at = match fs::symlink_metadata(&next) {
                    Ok(about) if about.is_symlink() => followed(&at, &next)?,
                    Ok(about) if about.is_dir() => next,
                    Ok(_) => return Err(wrong()),
                    Err(_) => missing(&at, &next)?,
                };
            }
            _ => return Err(wrong()),
        }
    }
    let forbidden = [NEW, "/new/proc", "/new/dev", "/new/home/application", "/new/home/application/current"];
    if forbidden.iter().any(|taken| at == Path::new(taken)) { Err(wrong()) } else { Ok(at) }
}

/// Where a link of the new root leads, within the new root.
fn followed(parent: &Path, link: &Path) -> Result<PathBuf> {
    let target = step("read a link", fs::read_link(link))?;
    let resolved = if target.is_absolute() { inside(&target.to_string_lossy()) } else { parent.join(target) };
    let real = step("follow a link", resolved.canonicalize())?;
    match real.starts_with(NEW) && real.is_dir() {
        true => Ok(real),
        false => Err(Error::invalid(format!("a volume cannot be mounted through {}", link.display()))),
    }
}

fn missing(parent: &Path, child: &Path) -> Result<PathBuf> {
    let machines = outside(&Path::new("/").join(parent.strip_prefix(NEW).unwrap_or(parent)));
    if parent != Path::new(NEW) && is_same(parent, &machines) {
        tmpfs(parent, "mode=0755")?;
        for entry in step("read a folder", fs::read_dir(&machines))?.flatten() {
            mirror(&entry.path(), &parent.join(entry.file_name()))?;
        }
    }
    make_folder(child)?;
    Ok(child.to_path_buf())
}

fn is_same(one: &Path, other: &Path) -> bool {
    let number = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    number(one).is_some_and(|known| number(other) == Some(known))
}

/// An empty folder over one that is not for apps.
fn cover(hidden: &Path) -> Result<()> {
    let at = inside(&hidden.to_string_lossy());
    if at.is_dir() { tmpfs(&at, "mode=0755,size=4k") } else { Ok(()) }
}

/// Everything but what is the unit's own is read-only, and so are the switches of the kernel.
fn protect(writable: &[PathBuf]) -> Result<()> {
    for name in ["sys", "irq", "bus", "fs", "sysrq-trigger"] {
        let path = inside("/proc").join(name);
        if path.exists() {
            bind(&path, &path)?;
            mounts::below(&path)?.iter().try_for_each(read_only)?;
        }
    }
    for mounted in mounts::below(Path::new(NEW))? {
        let own = writable.contains(&mounted.at) || mounted.at.starts_with(inside("/dev")) || mounted.at.starts_with(inside("/proc"));
        let done = if own { Ok(()) } else { read_only(&mounted) };
        // Deep below, a mount that refuses is some other program's and has its own protection.
        if mounted.at == Path::new(NEW) || mounted.at.parent() == Some(Path::new(NEW)) {
            done?;
        }
    }
    Ok(())
}

/// The new root becomes the only one.
fn leave() -> Result<()> {
    step("leave the old root", umount2(OLD, MntFlags::MNT_DETACH))?;
    let base = step("open the base", fs::File::open("/"))?;
    step("enter the root", std::env::set_current_dir(NEW))?;
    step("enter the root", pivot_root(".", "."))?;
    step("leave the base", fchdir(&base))?;
    step("leave the base", umount2(".", MntFlags::MNT_DETACH))?;
    step("enter the root", std::env::set_current_dir("/"))
}

/// A second user namespace: the mounts belong to the first, so nobody in here can change or uncover them.
fn surrender() -> Result<()> {
    let ids = (geteuid(), getegid());
    step("make a user namespace", unshare(CloneFlags::CLONE_NEWUSER))?;
    mounts::write_id_maps(USER, ids)
}
