//! From an upload to a version's folder: unpacked, built by its platform, in the same sandbox as units.

mod go;
mod node;
mod platform;
mod processes;
mod python;
mod steps;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use platform::{FILES, Platform, is_static};

use self::{processes::Known, steps::Steps};
use super::{file, shared::Shared};
use crate::{
    build::{
        archive::{self, Limits},
        tsuru_yaml::{self, Found},
    },
    error::{Error, Result},
    output::Output,
    provisioner::{BuildRequest, Built, Source},
    secret::Secret,
};

/// What images and Dockerfiles need.
pub const NO_ENGINE: &str = "this machine has no container engine: deploying a container image or a Dockerfile needs one";

/// Beside a version's folder until it is whole.
const MARK: &str = "building";

/// True for a folder whose build has not ended, or was interrupted.
pub fn is_unfinished(folder: &Path) -> bool {
    folder.with_extension(MARK).exists()
}

/// Removes what interrupted builds left.
pub fn sweep(versions: &Path) -> Result<()> {
    for name in file::entries(versions) {
        let path = versions.join(&name);
        if let Some(version) = name.strip_suffix(&format!(".{MARK}")) {
            file::remove_folder(&versions.join(version))?;
            file::remove(&path)?;
        } else if name.starts_with('.') {
            file::remove_folder(&path)?;
        }
    }
    Ok(())
}

/// Why this platform cannot be built here, or nothing.
pub async fn can_build(shared: &Shared, platform: &str) -> Result<()> {
    Platform::of(platform)?.check(&shared.config.path).await
}

/// Builds a version.
pub async fn build(shared: &Arc<Shared>, request: BuildRequest, out: &Output) -> Result<Built> {
    let Source::Archive(archive) = &request.source else {
        return Err(Error::refused(format!(
            "{NO_ENGINE}. Apps of the platforms static, python, nodejs and go are deployed from their files"
        )));
    };
    let platform = Platform::of(&request.platform)?;
    out.section(&format!("Starting container image build for app \"{}\"", request.app));
    platform.check(&shared.config.path).await?;
    out.action(&format!("Building with the platform \"{}\" of this machine", platform.name()));
    if let Some(why) = &shared.no_sandbox {
        out.action(&format!("WARNING: the build is not separated from this machine, which does not allow user namespaces: {why}"));
    }
    let draft = Draft::begin(shared.paths.version(&request.app, request.version)?, archive.clone()).await?;
    let found = tsuru_yaml::read(&draft.folder)?;
    let config = found.as_ref().map(|found| found.config.clone()).unwrap_or_default();
    let known = processes::find(&draft.folder, &config)?;
    let warm = platform.warm_cache(shared, out).await;
    let steps = Steps { warm, shared, app: &request.app, folder: &draft.folder, env: &request.env, out };
    platform.build(&steps, &known).await?;
    for hook in config.hooks.iter().flat_map(|hooks| &hooks.build) {
        steps.run(hook).await?;
    }
    out.action("Container image build finished");
    tell_config(found.as_ref(), out);
    let processes = processes::with_default(known, platform, &draft.folder)?;
    processes::tell(&processes, out);
    draft.finish()?;
    let image = format!("tsuru/app-{}:v{}", request.app, request.version);
    let processes = processes.into_iter().map(|(name, process)| (name, process.command)).collect();
    Ok(Built { image, processes, config, exposed_ports: Vec::new() })
}

fn tell_config(found: Option<&Found>, out: &Output) {
    if let Some(found) = found {
        out.action(&format!("Tsuru config file ({}) found", found.file));
        out.line(found.text.trim_end());
        out.line("");
    }
}

/// Files to make runnable.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Whose downloads are kept apart from others'.
    pub name: &'a str,
    /// They; none: an empty folder.
    pub archive: Option<&'a Path>,
    /// The environment of the steps.
    pub env: &'a BTreeMap<String, Secret>,
    /// Further steps, as shell lines.
    pub run: &'a [String],
}

/// Makes files runnable that are no version of an app.
pub async fn files(shared: &Arc<Shared>, platform: Platform, upload: Upload<'_>, folder: &Path, out: &Output) -> Result<()> {
    platform.check(&shared.config.path).await?;
    out.action(&format!("Building with the platform \"{}\" of this machine", platform.name()));
    match upload.archive {
        None => file::folder(folder)?,
        Some(archive) => {
            let (archive, into) = (archive.to_owned(), folder.to_owned());
            let unpack = move || archive::unpack(&archive, &into, &Limits::default());
            tokio::task::spawn_blocking(unpack).await.map_err(Error::internal)??;
        }
    }
    let warm = platform.warm_cache(shared, out).await;
    let steps = Steps { warm, shared, app: upload.name, folder, env: upload.env, out };
    platform.build(&steps, &Known::new()).await?;
    for line in upload.run {
        steps.run(line).await?;
    }
    Ok(())
}

/// Forgets a version.
pub async fn remove(shared: &Shared, app: &str, version: u32) -> Result<()> {
    let folder = shared.paths.version(app, version)?;
    // Marked first: half removed is as bad as half built.
    if folder.is_dir() {
        fs::write(folder.with_extension(MARK), "")?;
    }
    tokio::task::spawn_blocking(move || discard(&folder)).await.map_err(Error::internal)?
}

fn discard(folder: &Path) -> Result<()> {
    file::remove_folder(folder)?;
    file::remove(&folder.with_extension(MARK))
}

/// A version's folder until it is whole; dropped before that, nothing of it is left.
struct Draft {
    folder: PathBuf,
    finished: bool,
}

impl Draft {
    async fn begin(folder: PathBuf, archive: PathBuf) -> Result<Self> {
        if let Some(parent) = folder.parent() {
            file::folder(parent)?;
        }
        discard(&folder)?;
        fs::write(folder.with_extension(MARK), "")?;
        let draft = Self { folder: folder.clone(), finished: false };
        let unpack = move || archive::unpack(&archive, &folder, &Limits::default());
        tokio::task::spawn_blocking(unpack).await.map_err(Error::internal)??;
        Ok(draft)
    }

    fn finish(mut self) -> Result<()> {
        fs::remove_file(self.folder.with_extension(MARK))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            let _ = discard(&self.folder);
        }
    }
}
