//! What is kept of a run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    provisioner::local::file,
};

const RECORD: &str = "run.json";

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// `cleanup-29920306`, `cleanup-manual-job-29920306`.
    pub id: String,
    /// Somebody asked for it.
    pub manual: bool,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// The folder of what it runs from.
    pub image: String,
    /// Starts after the first.
    pub restarts: u32,
    /// How it ended.
    pub end: Option<End>,
    /// Its end was noted.
    pub noted: bool,
}

/// An end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Milliseconds since 1970.
    pub at: i64,
    /// Why it failed.
    pub failure: Option<String>,
}

impl Record {
    /// Of a run's folder.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.join(RECORD)).ok()?).ok()
    }

    /// Keeps it.
    pub fn write(&self, folder: &Path) -> Result<()> {
        file::replace(&folder.join(RECORD), &serde_json::to_vec(self).map_err(Error::internal)?)
    }
}
