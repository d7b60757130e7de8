//! Builds for release and hands over to the `bench` package, whose dependencies the tests do not need.

use std::{path::Path, process::Command};

use crate::{Result, steps::shown};

/// Builds both and measures; all, or only these parts.
pub fn run(parts: &[&str]) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let cargo = || Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    shown(cargo().args(["build", "--release", "--bin", "impaasd", "--package", "impaas"]).current_dir(root))?;
    shown(cargo().args(["build", "--release", "--package", "bench"]).current_dir(root))?;
    let built = root.join("target/release");
    shown(Command::new(built.join("bench")).arg(built.join("impaasd")).args(parts)).map(drop)
}
