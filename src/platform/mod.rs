//! Platforms: what source code is built with.

pub mod image;
pub mod usable;

use serde::{Deserialize, Serialize};

use crate::store::{Document, Spec};

pub use usable::usable;

/// A platform as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Platform {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Hidden and unusable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

impl Document for Platform {
    const SPEC: &'static Spec = &Spec { name: "platforms", indexes: &[], sealed: &[] };
}
