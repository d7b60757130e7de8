//! Python: a virtual environment in the version's folder.

use std::process::Stdio;

use super::steps::Steps;
use crate::{error::Result, provisioner::local::file};

/// True when python3 can make virtual environments with pip in them.
pub async fn has_venv(path: &str) -> bool {
    let mut python = tokio::process::Command::new("python3");
    python.args(["-c", "import venv, ensurepip"]).env("PATH", path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    python.kill_on_drop(true).status().await.is_ok_and(|status| status.success())
}

/// Installs what the app requires.
pub async fn build(steps: &Steps<'_>) -> Result<()> {
    // An uploaded one belongs to another machine.
    file::remove_folder(&steps.folder.join(".venv"))?;
    let has = |name: &str| steps.folder.join(name).is_file();
    let install = if has("requirements.txt") {
        "-r requirements.txt"
    } else if has("pyproject.toml") || has("setup.py") {
        "."
    } else {
        return steps.run("python3 -m venv --without-pip .venv").await;
    };
    steps.run("python3 -m venv .venv").await?;
    steps.run(&format!(".venv/bin/python -m pip install {install}")).await
}
