//! Everything a server keeps, in one folder and back: its documents, and the files of the apps of this machine.

use std::{fs, path::Path};

use crate::{
    config::Config,
    error::{Error, Result},
    provisioner::local::transfer as files,
    seal,
    store::{
        Store,
        shared::Owner,
        transfer::{self, Manifest},
    },
};

/// The apps' files in an export.
const APPS: &str = "apps.tar";

/// Writes everything into a new folder. The key that opens sealed values is not in it.
pub async fn export(config: &Config, store: &Store, dir: &Path) -> Result<Manifest> {
    let manifest = transfer::export(store, dir).await?;
    let local = config.data_dir.join("local");
    let archive = dir.join(APPS);
    let packed = tokio::task::spawn_blocking(move || files::pack(&local, &archive)).await.map_err(Error::internal)?;
    if packed.is_err() {
        fs::remove_dir_all(dir)?;
    }
    packed.map(|()| manifest)
}

/// Takes such a folder into a server that holds nothing yet. The files are unpacked beside their place first, so that what is broken in
/// them is found before anything changes.
pub async fn import(config: &Config, store: &Store, dir: &Path) -> Result<Manifest> {
    let (local, archive) = (config.data_dir.join("local"), dir.join(APPS));
    let files = match archive.exists() {
        true => Some(tokio::task::spawn_blocking(move || files::unpack(&archive, &local)).await.map_err(Error::internal)??),
        false => None,
    };
    let manifest = transfer::import(store, dir).await?;
    if let Some(files) = files {
        files.keep()?;
    }
    if manifest.shared && !store.is_shared() {
        seal::seal(store, &Owner::Us(None)).await?;
    }
    Ok(manifest)
}
