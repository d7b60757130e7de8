//! Volumes: storage that comes with the first unit that mounts it, and outlives units.

use async_trait::async_trait;

use super::VolumePlace;
use crate::error::Result;

/// Keeps volumes.
#[async_trait]
pub trait Volumes: Send + Sync {
    /// Refused unless such a volume can be made here.
    fn check_volume(&self, _volume: &VolumePlace) -> Result<()> {
        Ok(())
    }
    /// True when its storage is there and cannot become another.
    async fn has_volume(&self, _volume: &str) -> Result<bool> {
        Ok(false)
    }
    /// Removes a volume and what is in it; one that is not there is no error.
    async fn remove_volume(&self, volume: &str) -> Result<()>;
}
