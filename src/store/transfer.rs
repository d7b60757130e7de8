//! Everything stored, in a folder and back: the backup, and the way between SQLite and MongoDB.
//!
//! One file per collection holds its documents as BSON, one after the other (the form that `bsondump` reads); `manifest.json` says what
//! must be there. Sealed values stay sealed.

mod manifest;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufWriter, Cursor, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use bson::{Bson, Document as Doc};

use super::{
    Store, seal,
    shared::{self, MARK},
};
use crate::error::{Error, Result};
use manifest::{FORMAT, Part};

pub use manifest::Manifest;

/// Writes everything that the store holds into a new folder, or an empty one. It is there completely or not at all.
pub async fn export(store: &Store, dir: &Path) -> Result<Manifest> {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::invalid(format!("{} is not empty", dir.display())));
    }
    let beside = beside(dir)?;
    fs::DirBuilder::new().mode(0o700).create(&beside).map_err(|e| about(&beside, e))?;
    let written = write_all(store, &beside).await;
    let moved = written.and_then(|manifest| fs::rename(&beside, dir).map(|()| manifest).map_err(|e| about(dir, e)));
    if moved.is_err() {
        drop(fs::remove_dir_all(&beside));
    }
    moved
}

/// Reads such a folder into an empty store. Nothing is changed unless every file is whole.
pub async fn import(store: &Store, dir: &Path) -> Result<Manifest> {
    let mut there = store.backend().collections().await?;
    let marked = there.iter().any(|name| name == MARK);
    there.retain(|name| name != MARK);
    if !there.is_empty() {
        return Err(Error::invalid(format!("the store is not empty, it holds {}", there.join(", "))));
    }
    let manifest = Manifest::read(dir)?;
    let parts = manifest.collections.iter().map(|part| Ok((part, read(dir, part)?))).collect::<Result<Vec<_>>>()?;
    for (part, docs) in parts.into_iter().filter(|(part, _)| !(marked && part.collection == MARK)) {
        let cut = |e| Error::invalid(format!("{}: {e}; the import is not complete, empty the store before the next", part.collection));
        store.backend().load(&part.collection, docs).await.map_err(cut)?;
    }
    if marked {
        shared::forget_key(store.backend()).await?;
    }
    for key in manifest.sealed_with.iter().filter(|key| !store.sealer().opens(key)) {
        tracing::warn!(key, "what was imported is sealed with a key that is not here: bring it before the server starts");
    }
    Ok(manifest)
}

/// Where the folder grows, on the same disk.
fn beside(dir: &Path) -> Result<std::path::PathBuf> {
    let name = dir.file_name().ok_or_else(|| Error::invalid(format!("{} is no name of a new folder", dir.display())))?;
    Ok(dir.with_file_name(format!(".{}.{}.new", name.to_string_lossy(), bson::oid::ObjectId::new())))
}

async fn write_all(store: &Store, dir: &Path) -> Result<Manifest> {
    let shared = store.is_shared();
    let note = if shared { manifest::CLEAR } else { manifest::NOTE };
    let mut manifest = Manifest { format: FORMAT, note: note.into(), shared, ..Manifest::default() };
    let mut keys = BTreeSet::new();
    for collection in store.backend().collections().await? {
        let docs = store.backend().dump(&collection).await?;
        docs.iter().for_each(|doc| doc.iter().for_each(|(_, value)| seals_in(value, &mut keys)));
        manifest.collections.push(write(dir, collection, &docs)?);
    }
    manifest.sealed_with = keys.into_iter().collect();
    manifest.write(dir)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| about(dir, e))?;
    Ok(manifest)
}

fn write(dir: &Path, collection: String, docs: &[Doc]) -> Result<Part> {
    let file = manifest::file_of(&collection);
    let path = dir.join(&file);
    let mut bytes = Vec::new();
    for doc in docs {
        doc.to_writer(&mut bytes).map_err(|e| about(&path, e))?;
    }
    save(&path, &bytes)?;
    Ok(Part { sha256: manifest::sum(&bytes), collection, file, documents: docs.len() as u64 })
}

/// Writes a file that only the owner reads, down to the disk.
fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|e| about(path, e))?;
    let mut to = BufWriter::new(file);
    to.write_all(bytes).and_then(|()| to.flush()).and_then(|()| to.get_ref().sync_all()).map_err(|e| about(path, e))
}

fn read(dir: &Path, part: &Part) -> Result<Vec<Doc>> {
    let path = dir.join(&part.file);
    let bytes = fs::read(&path).map_err(|e| about(&path, e))?;
    if manifest::sum(&bytes) != part.sha256 {
        return Err(about(&path, "it is broken: its checksum is not the manifest's"));
    }
    let mut from = Cursor::new(bytes.as_slice());
    let mut docs = Vec::new();
    while from.position() < bytes.len() as u64 {
        docs.push(Doc::from_reader(&mut from).map_err(|e| about(&path, e))?);
    }
    if docs.len() as u64 != part.documents {
        return Err(about(&path, format!("it has {} documents, the manifest says {}", docs.len(), part.documents)));
    }
    Ok(docs)
}

fn seals_in(value: &Bson, keys: &mut BTreeSet<String>) {
    match value {
        Bson::String(text) => keys.extend(seal::key_of(text).map(str::to_owned)),
        Bson::Document(doc) => doc.iter().for_each(|(_, value)| seals_in(value, keys)),
        Bson::Array(items) => items.iter().for_each(|value| seals_in(value, keys)),
        _ => {}
    }
}

fn about(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::invalid(format!("{}: {e}", path.display()))
}
