//! Where things are. Names come from callers that checked them; a name that could leave its folder is refused here all the same.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The layout below the provisioner's folder.
#[derive(Clone, Debug)]
pub struct Paths(PathBuf);

impl Paths {
    /// Of this folder.
    pub fn new(root: &Path) -> Self {
        Self(root.into())
    }

    /// One folder per app.
    pub fn apps(&self) -> PathBuf {
        self.0.join("apps")
    }

    /// Everything of an app but its volumes.
    pub fn app(&self, app: &str) -> Result<PathBuf> {
        Ok(self.apps().join(checked(app)?))
    }

    /// The wanted state.
    pub fn state(&self, app: &str) -> Result<PathBuf> {
        Ok(self.app(app)?.join("state.json"))
    }

    /// The app's log.
    pub fn log(&self, app: &str) -> Result<PathBuf> {
        Ok(self.app(app)?.join("log"))
    }

    /// One folder per unit.
    pub fn units(&self, app: &str) -> Result<PathBuf> {
        Ok(self.app(app)?.join("units"))
    }

    /// One folder per version, and a file `vN.building` beside the one that is not ready.
    pub fn versions(&self, app: &str) -> Result<PathBuf> {
        Ok(self.app(app)?.join("versions"))
    }

    /// A version's files.
    pub fn version(&self, app: &str, version: u32) -> Result<PathBuf> {
        Ok(self.versions(app)?.join(format!("v{version}")))
    }

    /// One folder per job.
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs")
    }

    /// Everything of a job.
    pub fn job(&self, job: &str) -> Result<PathBuf> {
        Ok(self.jobs().join(checked(job)?))
    }

    /// What pip, npm and go downloaded for an app; not shared, so that no app can slip another something.
    pub fn cache(&self, app: &str) -> Result<PathBuf> {
        Ok(self.0.join("cache").join(checked(app)?))
    }

    /// A volume's files.
    pub fn volume(&self, volume: &str) -> Result<PathBuf> {
        Ok(self.0.join("volumes").join(checked(volume)?))
    }

    /// One folder per running build step, command and shell.
    pub fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    /// For a moment at start.
    pub fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }
}

fn checked(name: &str) -> Result<&str> {
    let fine = !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && !name.contains(['/', '\0']);
    if fine { Ok(name) } else { Err(Error::invalid(format!("invalid name {name:?}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder() {
        let paths = Paths::new(Path::new("/data"));
        assert_eq!(paths.version("hello", 3).unwrap(), Path::new("/data/apps/hello/versions/v3"));
        for name in ["", ".", "..", "../x", "a/b", ".hidden", "a\0"] {
            assert!(paths.app(name).is_err(), "{name:?}");
            assert!(paths.volume(name).is_err(), "{name:?}");
        }
    }
}
