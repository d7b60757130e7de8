//! What the server tells the shim: one file per unit, which is also the unit's record for a server that comes after a crash.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{file, process::Identity};
use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// File names in a unit's folder.
pub const SPEC: &str = "spec.json";
/// Written by the shim as its first act.
pub const PID: &str = "pid";
/// Written by the shim as its last act: the exit code.
pub const EXIT: &str = "exit";

/// One thing to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Spec {
    /// Who it is.
    pub record: Record,
    /// Its surroundings; without them it runs in `folder` of the machine itself.
    pub sandbox: Option<Sandbox>,
    /// The version's files.
    pub folder: PathBuf,
    /// The whole environment.
    #[serde(serialize_with = "clear_env")]
    pub env: BTreeMap<String, Secret>,
    /// Shell lines that must succeed first.
    pub before: Vec<String>,
    /// One element: a shell line; several: an argv.
    pub command: Vec<String>,
    /// Where its output goes; its parent's when absent.
    pub log: Option<LogTarget>,
    /// The terminal it works on.
    pub tty: Option<PathBuf>,
    /// The shim of a running unit to run in, instead of a sandbox of its own.
    #[serde(default)]
    pub enter: Option<Identity>,
}

fn clear_env<S: serde::Serializer>(env: &BTreeMap<String, Secret>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(env.iter().map(|(name, value)| (name, value.expose())))
}

/// Who a unit is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// `hello-web-1a2b3c4d`.
    pub id: String,
    /// Its app.
    pub app: String,
    /// Its process.
    pub process: String,
    /// Its version.
    pub version: u32,
    /// Of the wanted state it was started for.
    pub fingerprint: String,
    /// The port it was told to listen on.
    pub port: u16,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// What a sandboxed process sees.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sandbox {
    /// Folders that are not there for it.
    pub hidden: Vec<PathBuf>,
    /// Its `/home/application`.
    pub home: PathBuf,
    /// Its `/tmp`.
    pub tmp: PathBuf,
    /// Folders of the machine and where it sees them.
    pub binds: Vec<Bind>,
}

/// One folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bind {
    /// On the machine.
    pub from: PathBuf,
    /// In the sandbox.
    pub to: PathBuf,
    /// No writing.
    pub read_only: bool,
    /// A folder of the machine whose files are seen too, where the kernel can do that; what is written stays in `from`.
    #[serde(default)]
    pub over: Option<PathBuf>,
}

/// Where output lines go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogTarget {
    /// The app's log folder.
    pub folder: PathBuf,
    /// Their source.
    pub source: String,
    /// Their unit.
    pub unit: String,
}

impl Spec {
    /// Reads `FOLDER/spec.json` or the given file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path)?;
        serde_json::from_slice(&text).map_err(|e| Error::internal(format!("{}: {e}", path.display())))
    }

    /// Takes the environment out of the file: once it was read, only the record in it is of use, and secrets do not lie on the disk.
    pub fn forget_env(&self, path: &Path) -> Result<()> {
        let folder = path.parent().ok_or_else(|| Error::internal("a spec without a folder"))?;
        Self { env: BTreeMap::new(), ..self.clone() }.write(folder).map(drop)
    }

    /// Writes `FOLDER/spec.json`, for us only: it holds the app's environment.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(SPEC);
        file::replace(&path, &serde_json::to_vec(self).map_err(Error::internal)?)?;
        Ok(path)
    }
}
