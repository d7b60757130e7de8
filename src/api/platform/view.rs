//! Platforms as clients see them.

use serde::Serialize;

use crate::platform::Platform;

/// A platform.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PlatformView {
    name: String,
    disabled: bool,
}

impl From<Platform> for PlatformView {
    fn from(platform: Platform) -> Self {
        Self { name: platform.name, disabled: platform.disabled }
    }
}
