//! Images of platforms, made in every registry that clusters have.

use std::collections::BTreeSet;

use super::{Builds, LATEST};
use crate::{
    build::agent::{
        self,
        message::{BuildRequest as Request, Kind, Platform},
    },
    error::{Error, Result},
    output::Output,
    provisioner::kubernetes::{ClusterSpec, settings::ServerSettings},
};

/// A version of a platform to make.
#[derive(Clone, Copy, Debug)]
pub struct PlatformBuild<'a> {
    /// The platform.
    pub name: &'a str,
    /// The version's number.
    pub version: i64,
    /// A Dockerfile's text.
    pub dockerfile: &'a str,
}

/// Builds it by each of these clusters that has a registry of its own; the names of its images.
pub async fn build(clusters: &[ClusterSpec], server: &ServerSettings, what: PlatformBuild<'_>, out: &Output) -> Result<Vec<String>> {
    let (mut done, mut images) = (BTreeSet::new(), Vec::new());
    for cluster in clusters {
        let builds = Builds { cluster, server };
        let service = builds.service("")?;
        let skip = |why: &str| out.line(&format!("Skipping platform build on {} cluster: {why}", cluster.name));
        if cluster.settings.disable_platform_build() {
            skip("disabled to platform builds");
            continue;
        }
        let Some(registry) = cluster.settings.registry() else {
            skip("no registry found in cluster configs");
            continue;
        };
        if done.insert(registry) {
            out.section(&format!("Building platform {} on cluster {}", what.name, cluster.name));
            images.extend(builds.platform(&service, what, out).await?);
        }
    }
    if images.is_empty() { Err(Error::refused("no kubernetes nodes available")) } else { Ok(images) }
}

/// Takes images of a platform out of their registries, as the first cluster that knows each does it.
pub async fn remove(clusters: &[ClusterSpec], server: &ServerSettings, images: &[String]) {
    for image in images {
        let near = |cluster: &&ClusterSpec| cluster.settings.registry().is_some_and(|own| image.starts_with(own));
        if let Some(cluster) = clusters.iter().find(near).or(clusters.first()) {
            Builds { cluster, server }.remove_images(std::slice::from_ref(image), &[]).await;
        }
    }
}

impl Builds<'_> {
    async fn platform(self, service: &agent::Service, what: PlatformBuild<'_>, out: &Output) -> Result<Vec<String>> {
        let repository = self.repository().await?;
        let images = [format!("v{}", what.version), LATEST.into()].map(|tag| repository.platform(what.name, &tag)).to_vec();
        images.iter().for_each(|image| out.action(&format!("Destination image: {image}")));
        out.section("Starting build");
        let request = Request {
            kind: Kind::PlatformDockerfile.into(),
            platform: Some(Platform { name: what.name.into() }),
            containerfile: what.dockerfile.into(),
            destination_images: images.clone(),
            push_options: self.push(),
            ..Request::default()
        };
        agent::build(service, &request, None, out).await?;
        Ok(images)
    }
}
