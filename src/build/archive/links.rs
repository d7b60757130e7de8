//! Where the links of an unpacked tree lead: looked at when all of it is there, because one link can change where another one leads.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use super::tree::refusal;
use crate::error::{Error, Result};

/// As many as the kernel follows.
const MAX_HOPS: usize = 40;
/// Steps for all links of a tree: links to links can be made to cost much.
const MAX_STEPS: usize = 2_000_000;

/// Refuses the tree when a symbolic link leads, or would lead, outside of it.
pub fn check(root: &Path) -> Result<()> {
    let mut steps = MAX_STEPS;
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() && !stays_inside(root, &path, &mut steps)? {
                let target = fs::read_link(root.join(&path))?;
                return Err(refusal(&path, &format!("a link to {target:?}, outside of the archive")));
            }
        }
    }
    Ok(())
}

/// Walks as the kernel would, one name at a time, and never above the root.
fn stays_inside(root: &Path, link: &Path, steps: &mut usize) -> Result<bool> {
    let mut ahead: VecDeque<OsString> = link.iter().map(Into::into).collect();
    let mut here = PathBuf::new();
    let mut hops = 0;
    while let Some(name) = ahead.pop_front() {
        *steps = steps.checked_sub(1).ok_or_else(|| Error::TooLarge("archive with too many links to links".into()))?;
        if name == ".." {
            if !here.pop() {
                return Ok(false);
            }
            continue;
        }
        let next = here.join(&name);
        let Ok(target) = fs::read_link(root.join(&next)) else {
            here = next;
            continue;
        };
        hops += 1;
        if hops > MAX_HOPS || target.is_absolute() {
            return Ok(false);
        }
        let names = target.components().filter(|part| *part != Component::CurDir).map(|part| part.as_os_str().to_owned());
        ahead = names.chain(ahead).collect();
    }
    Ok(true)
}
