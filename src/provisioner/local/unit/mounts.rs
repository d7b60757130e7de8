//! Mounting, in steps that name themselves when they fail.

use std::{
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use nix::{
    mount::{MsFlags, mount},
    unistd::{Gid, Uid},
};

use super::step;
use crate::error::{Error, Result};

/// Maps one id inside to our own outside.
pub fn write_id_maps(inside: u32, (uid, gid): (Uid, Gid)) -> Result<()> {
    step("setgroups", fs::write("/proc/self/setgroups", "deny"))?;
    step("uid_map", fs::write("/proc/self/uid_map", format!("{inside} {uid} 1")))?;
    step("gid_map", fs::write("/proc/self/gid_map", format!("{inside} {gid} 1")))
}

/// Shows a file or a folder, with everything mounted in it, at a second place.
pub fn bind(from: &Path, to: &Path) -> Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    step(&format!("bind {} to {}", from.display(), to.display()), mount(Some(from), to, None::<&str>, flags, None::<&str>))
}

/// A fresh filesystem in memory.
pub fn tmpfs(to: &Path, options: &str) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    step(&format!("tmpfs on {}", to.display()), mount(Some("tmpfs"), to, Some("tmpfs"), flags, Some(options)))
}

/// One folder over another: files of both, writing to the upper one only.
pub fn overlay(lower: &Path, upper: &Path, to: &Path) -> Result<()> {
    let work = upper.with_extension("work");
    step("make a work folder", fs::create_dir_all(&work))?;
    let paths = [("lowerdir", lower), ("upperdir", upper), ("workdir", &work)];
    let options: Vec<String> = paths.iter().map(|(name, path)| format!("{name}={}", path.display())).collect();
    if options.iter().any(|option| option.contains([',', ':', '\\'])) {
        return Err(Error::internal("a path with a comma, colon or backslash cannot be in an overlay"));
    }
    let options = format!("{},userxattr", options.join(","));
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    step("overlay", mount(Some("overlay"), to, Some("overlay"), flags, Some(options.as_str())))
}

/// A filesystem of the kernel.
pub fn special(kind: &str, to: &Path, options: Option<&str>) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    step(&format!("{kind} on {}", to.display()), mount(Some(kind), to, Some(kind), flags, options))
}

/// No mount here tells others of changes, nor hears of theirs.
pub fn make_private() -> Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    step("make mounts private", mount(None::<&str>, "/", None::<&str>, flags, None::<&str>))
}

/// One mount as `/proc/self/mountinfo` lists it.
#[derive(Debug, PartialEq)]
pub struct Mounted {
    /// Where.
    pub at: PathBuf,
    /// Its options that a second mount of it may not drop.
    pub flags: MsFlags,
}

/// Every mount at or below a path of the new root, by its own `/proc`.
pub fn below(top: &Path) -> Result<Vec<Mounted>> {
    let text = step("mountinfo", fs::read("/new/proc/self/mountinfo"))?;
    let lines = text.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(mountinfo_line).filter(|mounted| mounted.at.starts_with(top)).collect())
}

fn mountinfo_line(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|byte| *byte == b' ');
    let at = PathBuf::from(std::ffi::OsString::from_vec(unescape(fields.nth(4)?)));
    let options = String::from_utf8_lossy(fields.next()?).into_owned();
    let flags = options.split(',').filter_map(flag).fold(MsFlags::empty(), |all, flag| all | flag);
    Some(Mounted { at, flags })
}

fn flag(option: &str) -> Option<MsFlags> {
    Some(match option {
        "ro" => MsFlags::MS_RDONLY,
        "nosuid" => MsFlags::MS_NOSUID,
        "nodev" => MsFlags::MS_NODEV,
        "noexec" => MsFlags::MS_NOEXEC,
        "noatime" => MsFlags::MS_NOATIME,
        "nodiratime" => MsFlags::MS_NODIRATIME,
        "relatime" => MsFlags::MS_RELATIME,
        _ => return None,
    })
}

/// Spaces, tabs, newlines and backslashes are `\040` and so on there.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match (byte, code) {
            (b'\\', Some(code)) => {
                out.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    out
}

/// No writing through this mount.
pub fn read_only(mounted: &Mounted) -> Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | mounted.flags;
    let done = mount(None::<&str>, &mounted.at, None::<&str>, flags, None::<&str>);
    step(&format!("protect {}", mounted.at.display()), done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_of_mountinfo() {
        let line = br"36 35 98:0 /mnt1 /mnt\0402/a\134b rw,nosuid,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mounted = mountinfo_line(line).unwrap();
        assert_eq!(mounted.at, Path::new(r"/mnt 2/a\b"));
        assert_eq!(mounted.flags, MsFlags::MS_NOSUID | MsFlags::MS_NOATIME);
        assert_eq!(mountinfo_line(b""), None);
    }
}
