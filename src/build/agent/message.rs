//! Its messages. Numbers are those of `grpc_build_v1`; what is not said is the type's default.

use std::{collections::HashMap, fmt};

use bytes::Bytes;

/// One build.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct BuildRequest {
    /// What is built from what.
    #[prost(enumeration = "Kind", tag = "1")]
    pub kind: i32,
    /// Of an app.
    #[prost(message, optional, tag = "2")]
    pub app: Option<Owner>,
    /// Of a platform.
    #[prost(message, optional, tag = "3")]
    pub platform: Option<Platform>,
    /// What it is built upon.
    #[prost(string, tag = "4")]
    pub source_image: String,
    /// What it is pushed as.
    #[prost(string, repeated, tag = "5")]
    pub destination_images: Vec<String>,
    /// A gzipped tar: the sources, or a Dockerfile's context. Empty where the file is sent from the disk.
    #[prost(bytes = "bytes", tag = "6")]
    pub data: Bytes,
    /// A Dockerfile's text.
    #[prost(string, tag = "7")]
    pub containerfile: String,
    /// How it is pushed.
    #[prost(message, optional, tag = "10")]
    pub push_options: Option<PushOptions>,
    /// Of a job.
    #[prost(message, optional, tag = "11")]
    pub job: Option<Owner>,
}

/// The number of `data` in a request.
pub const DATA: u32 = 6;

/// Without the environment.
impl fmt::Debug for BuildRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildRequest").field("kind", &self.kind).field("to", &self.destination_images).finish_non_exhaustive()
    }
}

/// What is built from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Kind {
    /// Nothing was said.
    Unspecified = 0,
    /// An app from its sources.
    AppSources = 1,
    /// An app from an image.
    AppImage = 2,
    /// An app from a Dockerfile.
    AppDockerfile = 3,
    /// A platform from an image.
    PlatformImage = 5,
    /// A platform from a Dockerfile.
    PlatformDockerfile = 6,
    /// A job from an image.
    JobImage = 7,
    /// A job from a Dockerfile.
    JobDockerfile = 8,
}

/// The app or job that an image is for.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Owner {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its environment, for the steps of the build.
    #[prost(map = "string, string", tag = "3")]
    pub env: HashMap<String, String>,
    /// The team that owns it.
    #[prost(string, tag = "4")]
    pub team: String,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The platform that an image is for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Platform {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// How an image is pushed.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct PushOptions {
    /// Not at all.
    #[prost(bool, tag = "1")]
    pub disable: bool,
    /// Without TLS.
    #[prost(bool, tag = "2")]
    pub insecure_registry: bool,
}

/// A piece of the answer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BuildResponse {
    /// One of two things.
    #[prost(oneof = "Piece", tags = "1, 2")]
    pub piece: Option<Piece>,
}

/// What comes while it builds, and what was found in the end.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Piece {
    /// Text for the user.
    #[prost(string, tag = "1")]
    Output(String),
    /// What was found.
    #[prost(message, tag = "2")]
    Config(TsuruConfig),
}

/// What was found in the sources and in the image.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TsuruConfig {
    /// Text of the Procfile.
    #[prost(string, tag = "1")]
    pub procfile: String,
    /// Text of `tsuru.yaml`.
    #[prost(string, tag = "2")]
    pub tsuru_yaml: String,
    /// The image's own settings, where it is not a platform's.
    #[prost(message, optional, tag = "3")]
    pub image: Option<ImageConfig>,
}

/// An image's own settings.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ImageConfig {
    /// What always runs.
    #[prost(string, repeated, tag = "1")]
    pub entrypoint: Vec<String>,
    /// Its arguments, or what runs.
    #[prost(string, repeated, tag = "2")]
    pub command: Vec<String>,
    /// `8080/tcp`.
    #[prost(string, repeated, tag = "3")]
    pub exposed_ports: Vec<String>,
    /// Folder of what runs.
    #[prost(string, tag = "4")]
    pub working_dir: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_environment_is_printed() {
        let owner = Owner { name: "a".into(), env: [("K".into(), "hush".into())].into(), team: "t".into() };
        let request = BuildRequest { app: Some(owner.clone()), ..BuildRequest::default() };
        assert!(!format!("{owner:?}{request:?}").contains("hush"));
    }
}
