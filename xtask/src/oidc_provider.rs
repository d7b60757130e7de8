//! The OpenID provider of the tests: npm's `oidc-provider`, pinned in `xtask/oidc-provider/package-lock.json`. It needs `node` and `npm`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const FILES: [&str; 3] = ["package.json", "package-lock.json", "provider.mjs"];

/// The command line that starts it when a port is appended, for tests that start providers of their own (`IMPAAS_OIDC_PROVIDER`).
pub fn command_line() -> io::Result<String> {
    Ok(format!("node --no-warnings '{}'", prepare()?.join("provider.mjs").display()))
}

/// Installs it once into `target/oidc-provider`.
fn prepare() -> io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("oidc-provider");
    let cache = root.parent().unwrap_or(root).join("target/oidc-provider");
    let pinned = FILES.iter().map(|file| fs::read_to_string(source.join(file))).collect::<io::Result<String>>()?;
    let done = cache.join("made-from");
    if fs::read_to_string(&done).is_ok_and(|of| of == pinned) {
        return Ok(cache);
    }
    drop(fs::remove_dir_all(&cache));
    fs::create_dir_all(&cache)?;
    for file in FILES {
        fs::copy(source.join(file), cache.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&cache).args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).stdin(Stdio::null());
    let status = npm.status().map_err(|e| io::Error::other(format!("npm: {e} (the OpenID provider needs nodejs and npm)")))?;
    if !status.success() {
        return Err(io::Error::other(format!("npm failed for the OpenID provider: {status}")));
    }
    fs::write(done, pinned)?;
    Ok(cache)
}
