//! What an export says about itself.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{about, save};
use crate::error::Result;

/// Its file.
pub const MANIFEST: &str = "manifest.json";
/// The form that this server writes and reads.
pub const FORMAT: u32 = 1;
/// For the person who finds it.
pub const NOTE: &str = "Secrets in here are sealed. The key is not in this folder: keep it apart, nothing sealed can be opened without it.";

/// The same, for what was shared with tsuru's server.
pub const CLEAR: &str = "Secrets in here are in clear, as tsuru's server keeps them: keep this folder as safe as the database.";

/// What an export holds.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Which form the files have.
    pub format: u32,
    /// What to know about it.
    pub note: String,
    /// It is of a database that tsuru's server uses too: nothing in it is sealed.
    #[serde(default)]
    pub shared: bool,
    /// Names of the keys that sealed something in it.
    pub sealed_with: Vec<String>,
    /// One for each file.
    pub collections: Vec<Part>,
}

/// One collection in its file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name in the store.
    pub collection: String,
    /// The file.
    pub file: String,
    /// How many documents.
    pub documents: u64,
    /// Of the file, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// How many documents there are in all.
    pub fn documents(&self) -> u64 {
        self.collections.iter().map(|part| part.documents).sum()
    }

    pub(super) fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST);
        let text = fs::read(&path).map_err(|e| about(&path, e))?;
        let manifest: Self = serde_json::from_slice(&text).map_err(|e| about(&path, e))?;
        if manifest.format != FORMAT {
            return Err(about(&path, format!("this server reads format {FORMAT}, not {}", manifest.format)));
        }
        match manifest.collections.iter().find(|part| part.file != file_of(&part.collection)) {
            Some(part) => Err(about(&path, format!("{} cannot be the file of {}", part.file, part.collection))),
            None => Ok(manifest),
        }
    }

    pub(super) fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(MANIFEST);
        let text = serde_json::to_vec_pretty(self).map_err(|e| about(&path, e))?;
        save(&path, &text)
    }
}

/// The file of a collection. What a file name should not hold is written in hexadecimal.
pub fn file_of(collection: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.';
    let name: String = collection.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02x}") }).collect();
    format!("{name}.bson")
}

/// A checksum.
pub fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::file_of;

    #[test]
    fn a_file_name_leads_nowhere_else() {
        assert_eq!(file_of("app_versions"), "app_versions.bson");
        assert_eq!(file_of("../a b"), "..%2fa%20b.bson");
    }
}
