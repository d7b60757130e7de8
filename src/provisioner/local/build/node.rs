//! Node.js: npm.

use super::steps::Steps;
use crate::error::Result;

/// Installs what `package.json` names, as its lock file has it.
pub async fn build(steps: &Steps<'_>) -> Result<()> {
    let has = |name: &str| steps.folder.join(name).is_file();
    if !has("package.json") {
        return Ok(());
    }
    let locked = has("package-lock.json") || has("npm-shrinkwrap.json");
    steps.run(if locked { "npm ci --no-audit --no-fund" } else { "npm install --no-audit --no-fund" }).await
}
