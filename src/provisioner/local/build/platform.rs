//! The platforms that need nothing but this machine's own toolchains.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use super::{go, node, processes::Known, python, steps::Steps};
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::local::shared::Shared,
};

/// The command of a process that is no process: the router serves the version's files.
pub const FILES: &str = "static";

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Files as they are.
    Static,
    /// A virtual environment with the requirements.
    Python,
    /// `npm ci`.
    Nodejs,
    /// `go build`.
    Go,
}

/// True for the platform whose `web` process is files; `static:v2` too.
pub fn is_static(platform: &str) -> bool {
    Platform::of(platform).is_ok_and(|platform| platform == Platform::Static)
}

impl Platform {
    /// By tsuru's name of it, with or without a version.
    pub fn of(name: &str) -> Result<Self> {
        match name.split(':').next().unwrap_or_default() {
            "static" => Ok(Self::Static),
            "python" => Ok(Self::Python),
            "nodejs" => Ok(Self::Nodejs),
            "go" => Ok(Self::Go),
            "" => Err(Error::refused(
                "the app has no platform: without a container engine on this machine, one of static, python, nodejs and go is needed",
            )),
            other => Err(Error::refused(format!(
                "platform \"{other}\" cannot be built on this machine, which has no container engine: it can build static, python, nodejs and go"
            ))),
        }
    }

    /// tsuru's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Python => "python",
            Self::Nodejs => "nodejs",
            Self::Go => "go",
        }
    }

    /// Names the first program that is missing.
    pub async fn check(self, path: &str) -> Result<()> {
        let needed: &[&str] = match self {
            Self::Static => &[],
            Self::Python => &["python3"],
            Self::Nodejs => &["node", "npm"],
            Self::Go => &["go"],
        };
        if let Some(missing) = needed.iter().find(|program| find(program, path).is_none()) {
            return Err(Error::refused(format!(
                "platform \"{}\" needs the program \"{missing}\", which is not on this machine's PATH",
                self.name()
            )));
        }
        if self == Self::Python && !python::has_venv(path).await {
            return Err(Error::refused(
                "platform \"python\" needs the module \"venv\" of python3, which is not on this machine (Debian and Ubuntu: apt install python3-venv)",
            ));
        }
        Ok(())
    }

    /// A folder of this machine that builds may read as their cache's beginning, if there is one.
    pub async fn warm_cache(self, shared: &Shared, out: &Output) -> Option<PathBuf> {
        let used = self == Self::Go && shared.no_sandbox.is_none();
        if used { shared.go_cache.get_or_init(|| go::warm_cache(&shared.config.path, out)).await.clone() } else { None }
    }

    /// Makes the unpacked files runnable.
    pub async fn build(self, steps: &Steps<'_>, known: &Known) -> Result<()> {
        match self {
            Self::Static => Ok(()),
            Self::Python => python::build(steps).await,
            Self::Nodejs => node::build(steps).await,
            Self::Go => go::build(steps, known).await,
        }
    }
}

/// Where a program is.
pub fn find(program: &str, path: &str) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    path.split(':').filter(|folder| !folder.is_empty()).map(|folder| PathBuf::from(folder).join(program)).find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_toolchain_is_named() {
        for (platform, program) in [("python", "python3"), ("nodejs:v2", "node"), ("go", "go")] {
            let error = Platform::of(platform).unwrap().check("/nowhere").await.unwrap_err().to_string();
            let name = platform.split(':').next().unwrap();
            assert_eq!(error, format!("platform \"{name}\" needs the program \"{program}\", which is not on this machine's PATH"));
        }
        Platform::Static.check("/nowhere").await.unwrap();
        assert!(Platform::of("cobol").unwrap_err().to_string().contains("cobol"));
    }
}
