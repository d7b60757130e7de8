//! Names of images, as tsuru's server gives them.

use crate::{
    error::{Error, Result},
    provisioner::{
        Base, ImageOf,
        kubernetes::settings::{ClusterSettings, ServerSettings},
    },
};

/// Where images are kept: `registry.example.com/tsuru`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    folder: String,
    /// `registry` of the cluster.
    own: Option<String>,
    /// `docker:registry`.
    usual: String,
}

impl Repository {
    /// A cluster's own registry alone; else the server's with a folder.
    pub async fn of(cluster: &ClusterSettings, server: &ServerSettings) -> Result<Self> {
        let own = cluster.registry().map(str::to_owned);
        let usual = if server.resolve_registry { resolved(&server.registry).await? } else { server.registry.clone() };
        let shared = if usual.is_empty() { server.registry_namespace.clone() } else { format!("{usual}/{}", server.registry_namespace) };
        Ok(Self { folder: own.clone().unwrap_or(shared), own, usual })
    }

    /// Of an app's version.
    pub fn app(&self, app: &str, version: u32) -> String {
        self.app_tagged(app, &format!("v{version}"))
    }

    /// Of an app, by tag.
    pub fn app_tagged(&self, app: &str, tag: &str) -> String {
        format!("{}/app-{app}:{tag}", self.folder)
    }

    /// Of a job.
    pub fn job(&self, job: &str) -> String {
        format!("{}/job-{job}:latest", self.folder)
    }

    /// Of a platform, by tag.
    pub fn platform(&self, platform: &str, tag: &str) -> String {
        format!("{}/{platform}:{tag}", self.folder)
    }

    /// Whose files an image holds, when it is one that was made here. A registry may have several addresses: only the folder counts.
    pub fn made_for(&self, image: &str) -> Option<ImageOf> {
        let (_, repository, _) = parts(image.trim_start_matches("docker://").split('@').next().unwrap_or_default());
        let of = |kind: &str| {
            let marked = format!("{}/{kind}-", self.folder);
            repository.strip_prefix(parts(&marked).1).map(str::to_owned)
        };
        of("app").map(ImageOf::App).or_else(|| of("job").map(ImageOf::Job))
    }

    /// What sources are built upon: of a platform's images the one of the cluster's registry, else of the server's.
    pub fn base(&self, base: &Base, platform: &str) -> Result<String> {
        let images = match base {
            Base::Image(image) => return Ok(image.clone()),
            Base::Platform(images) if images.is_empty() => return Ok(self.platform(platform, super::LATEST)),
            Base::Platform(images) => images,
        };
        let of = |registry: &str| images.iter().find(|image| image.starts_with(registry));
        let found = self.own.as_deref().and_then(of).or_else(|| of(&self.usual));
        let none =
            || format!("platform image not found for registry {:?} in [{}]", self.own.as_deref().unwrap_or_default(), images.join(" "));
        found.cloned().ok_or_else(|| Error::refused(none()))
    }
}

/// A registry by its IPv4 address, where it has one.
async fn resolved(registry: &str) -> Result<String> {
    let wrong = |why: &dyn std::fmt::Display| Error::refused(format!("docker:registry: {registry:?} cannot be resolved: {why}"));
    let found = tokio::net::lookup_host(registry).await.map_err(|e| wrong(&e))?;
    let mut numbers = found.filter(std::net::SocketAddr::is_ipv4);
    Ok(numbers.next().map_or_else(|| registry.to_owned(), |address| address.to_string()))
}

/// Registry, repository and tag of an image; no registry: the public one.
pub fn parts(image: &str) -> (&str, &str, &str) {
    let (registry, rest) = match image.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || first != first.to_ascii_lowercase() => (first, rest),
        _ => ("", image),
    };
    match rest.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (registry, repository, tag),
        _ => (registry, rest, super::LATEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn repository(cluster: &[(&str, &str)], server: &ServerSettings) -> Repository {
        let custom = cluster.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        Repository::of(&ClusterSettings { custom, ..ClusterSettings::default() }, server).await.unwrap()
    }

    #[tokio::test]
    async fn a_clusters_registry_is_used_alone() {
        let server = ServerSettings { registry: "r.io:443".into(), ..ServerSettings::default() };
        assert_eq!(repository(&[("registry", "own.io/x")], &server).await.app("blog", 3), "own.io/x/app-blog:v3");
        assert_eq!(repository(&[], &server).await.app_tagged("blog", "t"), "r.io:443/tsuru/app-blog:t");
        assert_eq!(repository(&[], &ServerSettings::default()).await.job("j"), "tsuru/job-j:latest");
        let resolved = ServerSettings { registry: "127.0.0.1:5000".into(), resolve_registry: true, ..server };
        assert_eq!(repository(&[], &resolved).await.platform("python", "v1"), "127.0.0.1:5000/tsuru/python:v1");
    }

    #[tokio::test]
    async fn a_platforms_image_is_the_nearest() {
        let server = ServerSettings { registry: "r.io".into(), ..ServerSettings::default() };
        let own = repository(&[("registry", "own.io/x")], &server).await;
        let both = Base::Platform(["r.io/tsuru/python:v1", "own.io/x/python:v1"].map(str::to_owned).into());
        assert_eq!(own.base(&both, "python").unwrap(), "own.io/x/python:v1");
        assert_eq!(repository(&[], &server).await.base(&both, "python").unwrap(), "r.io/tsuru/python:v1");
        assert_eq!(own.base(&Base::default(), "go").unwrap(), "own.io/x/go:latest");
        let away = own.base(&Base::Platform(vec!["else.io/python:v1".into()]), "python").unwrap_err();
        assert_eq!(away.to_string(), "platform image not found for registry \"own.io/x\" in [else.io/python:v1]");
    }

    #[tokio::test]
    async fn images_that_were_made_here_are_known_whatever_the_registry_is_called() {
        let whose = async |folder: &str, image: &str| repository(&[("registry", folder)], &ServerSettings::default()).await.made_for(image);
        let blog = Some(ImageOf::App("blog".into()));
        for image in ["r.io/tsuru/app-blog:v3", "r.io:443/tsuru/app-blog", "10.0.0.1:5000/tsuru/app-blog:v1@sha256:ab", "tsuru/app-blog"] {
            assert_eq!(whose("r.io/tsuru", image).await, blog, "{image}");
        }
        for image in ["docker://r.io/tsuru/app-blog:v3", "R.IO/tsuru/app-blog", "REGISTRY/tsuru/app-blog:v1"] {
            assert_eq!(whose("r.io/tsuru", image).await, blog, "{image}");
        }
        assert_eq!(whose("127.0.0.1:5000", "localhost:5000/app-blog:v1").await, blog);
        assert_eq!(whose("r.io/tsuru", "r.io/tsuru/job-clean:latest").await, Some(ImageOf::Job("clean".into())));
        for image in ["r.io/tsuru/python:v1", "r.io/other/app-blog:v1", "r.io/app-blog", "r.io/base/tsuru/app-blog"] {
            assert_eq!(whose("r.io/tsuru", image).await, None, "{image}");
        }
    }

    #[test]
    fn images_are_taken_apart() {
        assert_eq!(parts("127.0.0.1:5000/a/b:v1"), ("127.0.0.1:5000", "a/b", "v1"));
        assert_eq!(parts("r.io/a"), ("r.io", "a", "latest"));
        assert_eq!(parts("a/b:v1"), ("", "a/b", "v1"));
    }
}
