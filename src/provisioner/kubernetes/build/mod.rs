//! Builds: what a cluster's build service is sent, and what becomes of its answer.

pub mod image;
mod login;
pub mod platform;
pub mod registry;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use async_trait::async_trait;

use self::image::Repository;
use super::{ClusterSpec, Kubernetes, settings::ServerSettings};
use crate::{
    build::{
        agent::{
            self, Address, Security, Service,
            message::{BuildRequest as Request, Kind, Owner, PushOptions, TsuruConfig},
        },
        found::{self, Found},
    },
    error::{Error, Result},
    output::Output,
    provisioner::{BuildRequest, Builder, Built, ImageOf, JobBuild, Source},
    secret::Secret,
};

/// The tag of what was built last.
pub const LATEST: &str = "latest";

/// What builds in a cluster are made with.
#[derive(Clone, Copy)]
pub struct Builds<'a> {
    /// The cluster.
    pub cluster: &'a ClusterSpec,
    /// What the server's settings say.
    pub server: &'a ServerSettings,
}

#[async_trait]
impl Builder for Kubernetes {
    /// What can be built is for the images of platforms to say.
    async fn can_build(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn runs_images(&self) -> bool {
        true
    }

    async fn image_of(&self, image: &str) -> Result<Option<ImageOf>> {
        Ok(self.builds().repository().await?.made_for(image))
    }

    async fn build(&self, request: BuildRequest, out: &Output) -> Result<Built> {
        self.builds().app(request, out).await
    }

    /// A version has no files beside its images.
    async fn remove_version(&self, _: &str, _: u32) -> Result<()> {
        Ok(())
    }

    async fn remove_images(&self, gone: &[String], kept: &[String]) {
        self.builds().remove_images(gone, kept).await;
    }
}

impl Kubernetes {
    pub(super) fn builds(&self) -> Builds<'_> {
        Builds { cluster: self.spec(), server: self.server() }
    }
}

impl Builds<'_> {
    /// Builds a version of an app.
    pub async fn app(self, request: BuildRequest, out: &Output) -> Result<Built> {
        out.section(&format!("Starting container image build for app {:?}", request.app));
        let service = self.service(&request.place.pool)?;
        let images = self.repository().await?;
        let name = images.app(&request.app, request.version);
        let tag = Some(request.place.tag.as_str()).filter(|tag| !tag.is_empty()).unwrap_or(LATEST);
        let source_image = match &request.source {
            Source::Archive(_) => images.base(&request.place.base, &request.platform)?,
            Source::Image(image) => image.clone(),
            Source::Dockerfile { .. } => String::new(),
        };
        let kinds = [Kind::AppSources, Kind::AppImage, Kind::AppDockerfile];
        let message = Request {
            app: Some(owner(&request.app, &request.place.team, &request.env)),
            source_image,
            ..self.message(&request.source, kinds, vec![name.clone(), images.app_tagged(&request.app, tag)])
        };
        let found = agent::build(&service, &message, file(&request.source), out).await?;
        match read(found, out) {
            Ok(found) => Ok(Built { image: name, processes: found.processes, config: found.config, exposed_ports: found.exposed_ports }),
            Err(e) => {
                self.remove_images(&[name], &[]).await;
                Err(e)
            }
        }
    }

    /// Builds what a job runs from; the image's name.
    pub async fn job(self, request: JobBuild, out: &Output) -> Result<String> {
        let service = self.service(&request.pool)?;
        let name = self.repository().await?.job(&request.job);
        let source_image = if let Source::Image(image) = &request.source { image.clone() } else { String::new() };
        let kinds = [Kind::Unspecified, Kind::JobImage, Kind::JobDockerfile];
        let job = Some(owner(&request.job, "", &request.env));
        let message = Request { job, source_image, ..self.message(&request.source, kinds, vec![name.clone()]) };
        agent::build(&service, &message, file(&request.source), out).await?;
        Ok(name)
    }

    /// What is the same for all builds; of the kinds, the one for sources, for images, for Dockerfiles.
    fn message(self, source: &Source, [sources, image, dockerfile]: [Kind; 3], to: Vec<String>) -> Request {
        let (kind, text) = match source {
            Source::Archive(_) => (sources, ""),
            Source::Image(_) => (image, ""),
            Source::Dockerfile { text, .. } => (dockerfile, text.as_str()),
        };
        Request { kind: kind.into(), containerfile: text.into(), destination_images: to, push_options: self.push(), ..Request::default() }
    }

    fn push(self) -> Option<PushOptions> {
        Some(PushOptions { disable: false, insecure_registry: self.cluster.settings.registry_insecure() })
    }

    /// Who builds for a pool; empty: for platforms.
    fn service(self, pool: &str) -> Result<Service> {
        let build = self.cluster.settings.build(pool);
        if build.address.is_empty() {
            return Err(Error::refused(format!("build service address not provided: {}", agent::NOT_SUPPORTED)));
        }
        let address: Address = build.address.parse().map_err(|why: String| Error::refused(why))?;
        let security = match (build.tls, build.skip_verify) {
            (false, _) => Security::Plain,
            (true, false) => Security::verified()?,
            (true, true) => Security::unverified()?,
        };
        Ok(Service { address, security })
    }

    async fn repository(self) -> Result<Repository> {
        Repository::of(&self.cluster.settings, self.server).await
    }
}

fn read(found: Option<TsuruConfig>, out: &Output) -> Result<Found> {
    let found = found.ok_or_else(|| Error::refused("the build service did not say what the image runs"))?;
    found::read(found, out)
}

fn owner(name: &str, team: &str, env: &BTreeMap<String, Secret>) -> Owner {
    let env: HashMap<_, _> = env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
    Owner { name: name.into(), env, team: team.into() }
}

fn file(source: &Source) -> Option<&Path> {
    match source {
        Source::Archive(file) | Source::Dockerfile { context: Some(file), .. } => Some(file),
        _ => None,
    }
}
