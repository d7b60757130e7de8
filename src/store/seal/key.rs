//! The key that seals: 32 random bytes in a file that only the owner reads, or text from the environment.

use std::{
    fmt, fs,
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::store::{Result, StoreError};

/// A key that seals and opens.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key {
    #[zeroize(skip)]
    id: String,
    bytes: [u8; 32],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Key {
    /// From its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"impaas key id").chain_update(bytes).finalize();
        let mut id = hex::encode(digest);
        id.truncate(8);
        Self { id, bytes }
    }

    /// A new one.
    pub fn random() -> Self {
        Self::new(rand::random())
    }

    /// From text: 64 hexadecimal digits or base64 of 32 bytes.
    pub fn from_text(text: &str) -> Result<Self> {
        let text = text.trim();
        let bytes = hex::decode(text).ok().filter(|b| b.len() == 32).or_else(|| STANDARD.decode(text).ok());
        let bytes = bytes.and_then(|b| <[u8; 32]>::try_from(b).ok());
        bytes.map(Self::new).ok_or_else(|| StoreError::Fault("a key is 64 hexadecimal digits or base64 of 32 bytes".into()))
    }

    /// From a file of 32 bytes or of such text.
    pub fn load(file: &Path) -> Result<Self> {
        let bytes = fs::read(file).map_err(|e| broken(file, e))?;
        if fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0) {
            tracing::warn!(file = %file.display(), "the key file can be read by everybody on this machine");
        }
        match <[u8; 32]>::try_from(bytes.as_slice()) {
            Ok(bytes) => Ok(Self::new(bytes)),
            Err(_) => Self::from_text(&String::from_utf8_lossy(&bytes)).map_err(|e| broken(file, e)),
        }
    }

    /// From this file; a missing one is made.
    pub fn load_or_create(file: &Path) -> Result<Self> {
        match fs::symlink_metadata(file) {
            Ok(_) => Self::load(file),
            Err(e) if e.kind() == ErrorKind::NotFound => create(file),
            Err(e) => Err(broken(file, e)),
        }
    }

    /// Its name: tells keys apart and nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        self.bytes
    }
}

/// Complete or not there: it is written beside and linked to its place, where somebody else's key of the same moment wins.
fn create(file: &Path) -> Result<Key> {
    let key = Key::random();
    let beside = file.with_extension(format!("{}.new", key.id));
    let written = (|| {
        let mut to = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        to.write_all(&key.bytes)?;
        to.sync_all()?;
        fs::hard_link(&beside, file)?;
        file.parent().map_or(Ok(()), |dir| fs::File::open(if dir.as_os_str().is_empty() { Path::new(".") } else { dir })?.sync_all())
    })();
    drop(fs::remove_file(&beside));
    match written {
        Ok(()) => Ok(key),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Key::load(file),
        Err(e) => Err(broken(file, e)),
    }
}

fn broken(file: &Path, e: impl fmt::Display) -> StoreError {
    StoreError::Fault(format!("key file {}: {e}", file.display()))
}
