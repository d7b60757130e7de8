//! How many units there are by their load: what was asked for stands in the cluster, and is put right after each deploy.

use super::scene::Scene;
use crate::{error::Result, provisioner::kubernetes::objects::Making};

/// Makes the autoscale of a process, where there is one, lead to its deployment.
#[expect(clippy::unused_async, reason = "autoscale is not written yet")]
pub async fn ensure(_scene: &Scene, _m: &Making<'_>) -> Result<()> {
    Ok(())
}
