//! Deploys: from what a client sends to a version that serves.

mod base;
mod build;
pub mod fetch;
pub mod list;
mod roll_back;
mod roll_out;
pub mod tidy;

pub use self::{
    build::build,
    roll_back::{allow_rollback, remove_version, roll_back},
    roll_out::deploy,
};

use std::time::Instant;

use bson::{Bson, doc};
use serde::Serialize;
use tempfile::TempPath;

use super::App;
use crate::{
    context::Context,
    error::{Error, Result},
};

/// What a version is to be made from.
#[derive(Debug)]
pub enum Origin {
    /// An uploaded archive; the file goes with it.
    Upload(Upload),
    /// A Dockerfile, with its context when one came.
    Dockerfile(String, Option<Upload>),
    /// A ready image.
    Image(String),
    /// An archive at this address.
    ArchiveUrl(String),
}

/// An archive that was received.
#[derive(Debug)]
pub struct Upload {
    /// Where it is.
    pub file: TempPath,
    /// Bytes.
    pub size: u64,
}

/// What a deploy, build or rollback was asked to do.
#[derive(Debug, Default)]
pub struct Options {
    /// How it came: `app-deploy`, `git`, ...
    pub origin: String,
    /// The user's note.
    pub message: String,
    /// Versions that run already stay.
    pub new_version: bool,
    /// All versions that run already are replaced.
    pub override_versions: bool,
    /// The tag of a build.
    pub tag: String,
}

/// What comes out of a deploy, as its event keeps it.
#[derive(Debug, Default, Serialize)]
struct EndData {
    /// The image that serves; empty when it failed.
    image: String,
}

/// Words for how a deploy comes.
const ORIGINS: [&str; 6] = ["app-deploy", "git", "rollback", "drag-and-drop", "image", "rebuild"];

/// Refuses an origin that nobody knows; none is fine.
pub fn check_origin(origin: &str) -> Result<()> {
    if origin.is_empty() || ORIGINS.contains(&origin) { Ok(()) } else { Err(Error::invalid("Invalid deployment origin")) }
}

impl Origin {
    /// The kind of deploy, as events keep it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Upload(_) => "upload",
            Self::Dockerfile(..) => "dockerfile",
            Self::Image(_) => "image",
            Self::ArchiveUrl(_) => "archive-url",
        }
    }

    /// The permission to deploy so.
    pub fn permission(&self) -> &'static str {
        match self {
            Self::Upload(_) => "app.deploy.upload",
            Self::Dockerfile(..) => "app.deploy.dockerfile",
            Self::Image(_) => "app.deploy.image",
            Self::ArchiveUrl(_) => "app.deploy.archive-url",
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Upload(upload) | Self::Dockerfile(_, Some(upload)) => upload.size,
            _ => 0,
        }
    }
}

/// Does it, and counts how it ended and how long it took.
async fn counted<T>(ctx: &Context, kind: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let began = Instant::now();
    let done = work.await;
    ctx.metrics.deploys.done(kind, &done, began.elapsed());
    done
}

/// Who deploys what: the start data of the event. Without the app's environment, and without what an address may hide.
pub fn start_data(app: &App, user: &str, kind: &str, what: &Origin, options: &Options) -> Bson {
    let (image, dockerfile, url) = match what {
        Origin::Image(image) => (image.as_str(), "", String::new()),
        Origin::Dockerfile(text, _) => ("", text.as_str(), String::new()),
        Origin::ArchiveUrl(url) => ("", "", fetch::without_secrets(url)),
        Origin::Upload(_) => ("", "", String::new()),
    };
    let size = i64::try_from(what.size()).unwrap_or(i64::MAX);
    Bson::Document(doc! {
        "app": without_values(app), "commit": "", "buildtag": &options.tag, "archiveurl": url, "dockerfile": dockerfile, "filesize": size,
        "user": user, "image": image, "origin": &options.origin, "kind": kind, "message": &options.message, "rollback": kind == "rollback",
        "build": !options.tag.is_empty(), "newversion": options.new_version, "overrideversions": options.override_versions,
    })
}

fn without_values(app: &App) -> Bson {
    let mut shown = App { service_envs: Vec::new(), ..app.clone() };
    shown.env.clear();
    bson::serialize_to_bson(&shown).unwrap_or(Bson::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_data_holds_no_secret() {
        let app: App = bson::deserialize_from_document(doc! {
            "_id": bson::oid::ObjectId::new(), "name": "a", "env": {"K": {"name": "K", "value": "hush"}},
            "serviceenvs": [{"name": "S", "value": "hush", "servicename": "s", "instancename": "i"}],
        })
        .unwrap();
        let url = Origin::ArchiveUrl("https://me:hush@x.org/a.tgz?token=hush".into());
        let data = start_data(&app, "u@x.org", url.kind(), &url, &Options::default());
        assert!(!data.to_string().contains("hush"), "{data}");
        let data = data.as_document().unwrap();
        assert_eq!((data.get_str("kind").unwrap(), data.get_str("archiveurl").unwrap()), ("archive-url", "https://x.org/a.tgz"));
    }

    #[test]
    fn only_known_origins_are_accepted() {
        assert!(check_origin("").is_ok() && check_origin("drag-and-drop").is_ok());
        assert_eq!(check_origin("mars").unwrap_err().to_string(), "Invalid deployment origin");
    }
}
