//! Platforms: what source code is built with.

pub mod build;
pub mod change;
pub mod image;
pub mod usable;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    store::{Document, Filter, Spec, Store},
};

pub use usable::usable;

/// How an unknown or disabled platform is refused.
pub(crate) const INVALID: &str = "Invalid platform";

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

impl Platform {
    /// The platform of this name; refused with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::id(name)).await?.ok_or_else(|| Error::refused(INVALID))
    }
}
