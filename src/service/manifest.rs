//! What a broker says can be done with its instances.

use serde::{Deserialize, Serialize};

use crate::store::lenient;

/// A manifest as stored and shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// It counts.
    pub enabled: bool,
    /// What it does not name is refused.
    pub strict_actions: bool,
    /// The permission to use the proxy is enough for what it names.
    pub legacy_compat: bool,
    /// What can be done.
    #[serde(deserialize_with = "lenient::or_default")]
    pub operations: Vec<Operation>,
}

/// One thing that can be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operation {
    /// Method.
    pub method: String,
    /// Path below the instance, with `{name}` for any segment.
    pub path: String,
    /// What it is called.
    pub action: String,
}
