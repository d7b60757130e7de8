//! Waiting for the end of a process, also of one that is not our child.

use std::{path::Path, time::Duration};

use tokio::process::Child;

use super::{process::Identity, spec::EXIT};
use crate::error::Result;

/// Between looks at a process that an earlier server started. Children need no looks.
const LOOK: Duration = Duration::from_millis(200);

/// The exit code that the shim of a unit wrote; none when it was killed.
pub async fn exit(identity: &Identity, child: Option<Child>, folder: &Path) -> Result<Option<u8>> {
    match child {
        Some(mut child) => drop(child.wait().await?),
        None => wait(identity).await,
    }
    let text = std::fs::read_to_string(folder.join(EXIT)).ok();
    Ok(text.and_then(|text| text.trim().parse().ok()))
}

/// Waits for the end of a process.
pub async fn wait(identity: &Identity) {
    while identity.lives() {
        tokio::time::sleep(LOOK).await;
    }
}
