//! Uploaded archives: gzipped or plain tar, unpacked so that nothing in them can reach outside of their folder.

mod links;
mod stream;
mod texts;
mod tree;

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use tar::{Archive, Entry, EntryType};

pub use self::texts::texts;
use self::{
    stream::{Guarded, Meter},
    tree::Tree,
};
use crate::error::{Error, Result};

/// What an archive may cost. Enough for a big app; a bomb ends at the first one it passes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All its files together, unpacked.
    pub max_bytes: u64,
    /// Files, folders and links.
    pub max_entries: u64,
    /// Length of one path.
    pub max_path: usize,
    /// Unpacked bytes for one of the upload, looked at from the 32nd MiB on.
    pub max_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 2 << 30, max_entries: 250_000, max_path: 1024, max_ratio: 250 }
    }
}

/// Unpacks the archive as the new folder `into`, which must be absent or empty; after an error there is nothing of it.
///
/// It is built beside `into` and renamed at the end, so that a crash can leave only a folder named `.unpack-*` there. Blocks: call it
/// where that is allowed.
pub fn unpack(archive: &Path, into: &Path, limits: &Limits) -> Result<()> {
    let parent = into.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let work = tempfile::Builder::new().prefix(".unpack-").tempdir_in(parent)?;
    let meter = Meter::new(limits);
    let reader = stream::open(archive, &meter)?;
    fill(work.path(), reader, &meter, limits)?;
    links::check(work.path())?;
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755))?;
    fs::rename(work.path(), into)?;
    let _ = work.keep();
    Ok(())
}

fn fill(root: &Path, reader: Guarded, meter: &Meter, limits: &Limits) -> Result<()> {
    let mut archive = Archive::new(reader);
    let mut tree = Tree::new(root, limits.max_entries);
    let mut entries = archive.entries().map_err(|e| refused_read(&e))?;
    let mut count = 0;
    loop {
        meter.expect_header();
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|e| refused_read(&e))?;
        count += 1;
        if count > limits.max_entries {
            return Err(Error::TooLarge(format!("archive with more than {} entries", limits.max_entries)));
        }
        place(&mut entry, &mut tree, meter, limits)?;
    }
    tree.finish()?;
    // Only at its very end does gzip say whether what was read is what was written.
    meter.expect_header();
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|e| refused_read(&e))?;
    Ok(())
}

fn place(entry: &mut Entry<Guarded>, tree: &mut Tree, meter: &Meter, limits: &Limits) -> Result<()> {
    let kind = entry.header().entry_type();
    if kind.is_pax_global_extensions() {
        return Ok(());
    }
    let raw = entry.path_bytes().into_owned();
    let path = tree::relative(&raw, limits.max_path)?;
    let mode = entry.header().mode().unwrap_or(0o644);
    let seconds = entry.header().mtime().unwrap_or(0);
    match kind {
        EntryType::Directory => tree.folder(&path, mode, seconds),
        _ if is_file(kind) && raw.ends_with(b"/") => tree.folder(&path, mode, seconds),
        EntryType::Symlink => tree.symlink(&path, &target(entry)?),
        EntryType::Link => tree.hard_link(&path, &tree::relative(&target(entry)?, limits.max_path)?),
        _ if is_file(kind) => {
            meter.expect_file(&path, entry.size())?;
            let mut file = tree.file(&path, mode)?;
            meter.copy(&path, entry, &mut file)?;
            tree::stamp(&file, seconds)
        }
        EntryType::GNUSparse => Err(tree::refusal(&path, "a sparse file; pack it without --sparse")),
        _ => Err(tree::refusal(&path, "neither a file, a folder nor a link")),
    }
}

fn is_file(kind: EntryType) -> bool {
    kind.is_file() || kind.is_contiguous()
}

fn target(entry: &Entry<Guarded>) -> Result<Vec<u8>> {
    let target = entry.link_name_bytes().unwrap_or_default().into_owned();
    if target.is_empty() || target.contains(&0) {
        return Err(tree::refusal(Path::new(&*String::from_utf8_lossy(&entry.path_bytes())), "a link to nothing"));
    }
    Ok(target)
}

/// What went wrong while reading: a limit that was passed, or an archive that is damaged.
fn refused_read(e: &io::Error) -> Error {
    match e.kind() {
        io::ErrorKind::FileTooLarge => Error::TooLarge(e.to_string()),
        _ => Error::invalid(format!("the archive is damaged or cut off: {e}")),
    }
}

#[cfg(test)]
mod tests;
