//! A few texts of an archive, read where they are.

use std::{
    ffi::OsStr,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Component, Path},
};

use tar::{Archive, Entry};

use super::{
    Limits, is_file, refused_read,
    stream::{self, Guarded, Meter},
    tree,
};
use crate::error::{Error, Result};

/// The files at its root that have one of these names, whichever of them an unpacking program would keep, of `most` bytes each. Blocks:
/// call it where that is allowed.
pub fn texts(archive: &Path, names: &[&str], most: usize) -> Result<Vec<String>> {
    let meter = Meter::new(&Limits::default());
    let mut archive = Archive::new(stream::open(archive, &meter)?);
    let mut entries = archive.entries().map_err(|e| refused_read(&e))?;
    let mut found = Vec::new();
    loop {
        meter.expect_header();
        let Some(entry) = entries.next() else { return Ok(found) };
        let mut entry = entry.map_err(|e| refused_read(&e))?;
        let paths = paths(&mut entry)?;
        meter.expect_file(Path::new("."), entry.size())?;
        if is_file(entry.header().entry_type()) && paths.iter().any(|path| is_at_root(path, names)) {
            let mut text = Vec::new();
            Read::by_ref(&mut entry).take(most as u64 + 1).read_to_end(&mut text).map_err(|e| refused_read(&e))?;
            let small = String::from_utf8(text).ok().filter(|text| text.len() <= most);
            found.push(small.ok_or_else(|| Error::invalid(format!("one of {}: not a text, or a long one", names.join(", "))))?);
        }
        io::copy(&mut entry, &mut io::sink()).map_err(|e| refused_read(&e))?;
    }
}

/// All that an entry may be called: programs differ where it has several names.
fn paths(entry: &mut Entry<Guarded>) -> Result<Vec<Vec<u8>>> {
    let mut paths = vec![entry.path_bytes().into_owned(), entry.header().path_bytes().into_owned()];
    for extension in entry.pax_extensions().map_err(|e| refused_read(&e))?.into_iter().flatten() {
        let extension = extension.map_err(|e| refused_read(&e))?;
        match extension.key_bytes() {
            b"path" => paths.push(extension.value_bytes().to_owned()),
            key if key.starts_with(b"GNU.sparse") => return Err(tree::refusal(Path::new("."), "a sparse file; pack it without --sparse")),
            _ => {}
        }
    }
    Ok(paths)
}

fn is_at_root(path: &[u8], names: &[&str]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    let named = |part: &OsStr| names.iter().any(|name| part == *name);
    let parts: Vec<_> = path.components().filter(|part| !matches!(part, Component::CurDir | Component::RootDir)).collect();
    match parts.as_slice() {
        [Component::Normal(name)] => named(name),
        parts => parts.contains(&Component::ParentDir) && parts.iter().any(|part| named(part.as_os_str())),
    }
}
