//! What a job runs from. Without a container engine there are two kinds of images: a version of an app (`tsuru/app-blog:v3`), whose files
//! are copied, and a bare platform of this machine (`tsuru/python`).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::dockerfile::Dockerfile;
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{
        JobBuild, Source,
        local::{
            build::{self, NO_ENGINE, Platform, Upload},
            file,
            shared::Shared,
        },
    },
    secret::Secret,
};

/// Names the folder of the image that the next run takes.
const CURRENT: &str = "current";
/// Beside `files`: what the image says of itself.
const ABOUT: &str = "about.json";
/// Beside the folder of an image that is not whole yet.
const DRAFT: &str = "draft";

/// What an image says of itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct About {
    command: Vec<String>,
    /// Variables that the job's own win over.
    pub env: BTreeMap<String, String>,
}

/// Makes what a job runs from.
pub async fn build(shared: &Arc<Shared>, request: JobBuild, out: &Output) -> Result<String> {
    let folder = shared.paths.job(&request.job)?;
    let name = format!("{:016x}", rand::random::<u64>());
    let (own, draft) = (images(&folder).join(&name), images(&folder).join(format!("{name}.{DRAFT}")));
    file::folder(&own)?;
    fs::write(&draft, "")?;
    let made = fill(shared, &request, &own.join("files"), out).await.and_then(|about| {
        fs::write(own.join(ABOUT), serde_json::to_vec(&about).map_err(Error::internal)?)?;
        file::remove(&draft)?;
        file::replace(&folder.join(CURRENT), name.as_bytes())
    });
    if made.is_err() {
        file::remove_folder(&own)?;
        file::remove(&draft)?;
    }
    made?;
    forget_others(shared, &request.job, &folder);
    Ok(format!("tsuru/job-{}:latest", request.job))
}

/// Puts the files together; what the image says of itself.
async fn fill(shared: &Arc<Shared>, request: &JobBuild, files: &Path, out: &Output) -> Result<About> {
    match &request.source {
        Source::Image(image) => {
            let from = known(shared, image).await?;
            let to = files.to_owned();
            let copy = move || from.map_or_else(|| file::folder(&to), |from| copy(&from, &to));
            tokio::task::spawn_blocking(copy).await.map_err(Error::internal)??;
            Ok(About::default())
        }
        Source::Dockerfile { text, context } => {
            let dockerfile = Dockerfile::parse(text)?;
            let platform = bare_platform(&dockerfile.from).ok_or_else(|| Error::refused(NO_ENGINE))?;
            let env: BTreeMap<String, String> = dockerfile.env.into_iter().collect();
            let mut all: BTreeMap<String, Secret> = env.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            all.extend(request.env.clone());
            let upload = Upload { name: &cache(&request.job), archive: context.as_deref(), env: &all, run: &dockerfile.run };
            build::files(shared, platform, upload, files, out).await?;
            Ok(About { command: dockerfile.command, env })
        }
        Source::Archive(_) => Err(Error::refused(NO_ENGINE)),
    }
}

/// The files of an image that this machine has; none for a bare platform.
async fn known(shared: &Shared, image: &str) -> Result<Option<PathBuf>> {
    let no_engine =
        || Error::refused(format!("{NO_ENGINE}; jobs run from a version of an app (tsuru/app-NAME:vN) or a platform (tsuru/python)"));
    if let Some((app, version)) = crate::provisioner::app_image(image) {
        let folder = shared.paths.version(app, version)?;
        let whole = folder.is_dir() && !build::is_unfinished(&folder);
        return if whole { Ok(Some(folder)) } else { Err(Error::refused(format!("image {image:?} is not on this machine"))) };
    }
    let platform = bare_platform(image).ok_or_else(no_engine)?;
    platform.check(&shared.config.path).await?;
    Ok(None)
}

fn bare_platform(image: &str) -> Option<Platform> {
    Platform::of(image.strip_prefix("tsuru/")?).ok().filter(|platform| *platform != Platform::Static)
}

/// In the cache's folder, apart from apps: their names have no `@`.
pub fn cache(job: &str) -> String {
    format!("{job}@job")
}

fn images(folder: &Path) -> PathBuf {
    folder.join("images")
}

/// The files of an image.
pub fn files(folder: &Path, image: &str) -> PathBuf {
    images(folder).join(image).join("files")
}

/// The image that the next run takes.
pub fn current(folder: &Path) -> Option<String> {
    let name = fs::read_to_string(folder.join(CURRENT)).ok()?;
    files(folder, name.trim()).is_dir().then(|| name.trim().to_owned())
}

/// The job's own command, else the image's.
pub fn command(folder: &Path, image: &str, own: &[String]) -> Result<Vec<String>> {
    if !own.is_empty() {
        return Ok(own.to_vec());
    }
    let own = about(folder, image).command;
    if own.is_empty() { Err(Error::refused("the job has no command, and its image has none of its own")) } else { Ok(own) }
}

/// What an image says of itself.
pub fn about(folder: &Path, image: &str) -> About {
    let text = fs::read(images(folder).join(image).join(ABOUT)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Removes what interrupted builds left.
pub fn sweep(folder: &Path) -> Result<()> {
    for draft in file::entries(&images(folder)) {
        if let Some(name) = draft.strip_suffix(&format!(".{DRAFT}")) {
            file::remove_folder(&images(folder).join(name))?;
            file::remove(&images(folder).join(&draft))?;
        }
    }
    Ok(())
}

/// Images that no run needs any more.
fn forget_others(shared: &Shared, job: &str, folder: &Path) {
    let Some(current) = current(folder) else { return };
    let runs = shared.jobs.get(job).map(|job| job.state().runs.clone()).unwrap_or_default();
    let used: Vec<String> = runs.iter().filter(|run| run.goes_on()).map(|run| run.record().image).chain([current]).collect();
    let known = file::entries(&images(folder));
    let is_draft = |name: &String| known.contains(&format!("{name}.{DRAFT}")) || name.ends_with(DRAFT);
    for name in known.iter().filter(|name| !used.contains(name) && !is_draft(name)) {
        if let Err(e) = file::remove_folder(&images(folder).join(name)) {
            tracing::warn!(job, image = name, "{e:?}");
        }
    }
}

/// A folder with modes and links; what is neither file nor folder nor link stays behind.
fn copy(from: &Path, to: &Path) -> Result<()> {
    file::folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(fs::set_permissions(to, fs::metadata(from)?.permissions())?)
}
