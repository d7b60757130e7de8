//! Writing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{CURRENT, Entry, LIMIT, PREVIOUS};

/// Appends lines at once. Writers of several processes take turns by a lock, so that lines stay whole and one of them begins the
/// next file.
pub fn append(folder: &Path, entries: &[Entry]) -> io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let text: String = entries.iter().map(Entry::encode).collect();
    let turn = open(&folder.join("lock"))?;
    turn.lock()?;
    let mut file = open(&folder.join(CURRENT))?;
    if file.metadata()?.len() >= LIMIT {
        fs::rename(folder.join(CURRENT), folder.join(PREVIOUS))?;
        file = open(&folder.join(CURRENT))?;
    }
    file.write_all(text.as_bytes())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
