//! A registry, as OCI's distribution API has it: images that are no longer used are taken out of it.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{Client, Method, Response, StatusCode, header};
use serde::Deserialize;

use super::{Builds, image::parts, login::Login};
use crate::{
    outgoing::{self, Reach},
    provisioner::kubernetes::client::innermost,
};

/// A registry that is away is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";
const DIGEST: &str = "docker-content-digest";

/// Why a registry did not do it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Registry {
    base: String,
    login: Option<Login>,
    client: Client,
}

impl Builds<'_> {
    /// Takes images out of their registries. What cannot be done is told to the log: nothing waits for it.
    pub async fn remove_images(self, gone: &[String], kept: &[String]) {
        let mut away = BTreeSet::new();
        for image in gone.iter().filter(|image| !parts(image).0.is_empty()) {
            let host = parts(image).0;
            let why = if away.contains(host) {
                "the registry is away".to_owned()
            } else {
                let removed = tokio::time::timeout(PATIENCE, self.remove_image(image, kept)).await;
                let Err(why) = removed.unwrap_or_else(|late| Err(late.into())) else { continue };
                if is_away(why.as_ref()) {
                    away.insert(host);
                }
                innermost(why.as_ref())
            };
            tracing::warn!(image, error = why, "an image could not be removed from its registry");
        }
    }

    /// A manifest goes only when none of the kept tags of its repository names it too: one deletion takes it from all of them.
    async fn remove_image(self, image: &str, kept: &[String]) -> Result<(), Failure> {
        let (host, repository, tag) = parts(image);
        let registry = self.registry(host)?;
        let Some(digest) = registry.digest(repository, tag).await? else { return Ok(()) };
        let beside = |kept: &&String| parts(kept).0 == host && parts(kept).1 == repository && parts(kept).2 != tag;
        let tags: BTreeSet<&str> = kept.iter().filter(beside).map(|kept| parts(kept).2).collect();
        for other in tags {
            if registry.digest(repository, other).await?.as_ref() == Some(&digest) {
                return registry.remove_tag(repository, tag).await;
            }
        }
        registry.remove(repository, &digest).await
    }

    fn registry(self, host: &str) -> Result<Registry, Failure> {
        let settings = &self.cluster.settings;
        let own = settings.registry_insecure() && settings.registry().is_some_and(|own| parts(own).0 == host || own == host);
        let clear = own || (self.server.registry_insecure && self.server.registry == host) || is_here(host);
        let scheme = if clear { "http" } else { "https" };
        let client = outgoing::builder(Reach::Everything).connect_timeout(CONNECT).build()?;
        Ok(Registry { base: format!("{scheme}://{host}/v2"), login: self.login(host), client })
    }
}

/// Nobody answered: nobody will the next time.
fn is_away(why: &(dyn std::error::Error + 'static)) -> bool {
    why.is::<tokio::time::error::Elapsed>() || why.downcast_ref::<reqwest::Error>().is_some_and(|e| e.is_connect() || e.is_timeout())
}

/// A registry on this machine is spoken to in clear, as all programs do that know registries.
fn is_here(host: &str) -> bool {
    ["127.0.0.1", "localhost"].contains(&host.split(':').next().unwrap_or_default())
}

impl Registry {
    /// The digest of what a tag names.
    async fn digest(&self, repository: &str, tag: &str) -> Result<Option<String>, Failure> {
        let answer = self.ask(Method::HEAD, repository, tag).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = answer.error_for_status()?;
        let digest = answer.headers().get(DIGEST).ok_or("the registry named no digest")?;
        Ok(Some(digest.to_str()?.to_owned()))
    }

    async fn remove(&self, repository: &str, digest: &str) -> Result<(), Failure> {
        let answer = self.ask(Method::DELETE, repository, digest).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(()),
            StatusCode::METHOD_NOT_ALLOWED => Err("the registry does not let anything be deleted".into()),
            _ => Ok(answer.error_for_status().map(drop)?),
        }
    }

    /// Not every registry can.
    async fn remove_tag(&self, repository: &str, tag: &str) -> Result<(), Failure> {
        self.ask(Method::DELETE, repository, tag).await.map(drop)
    }

    async fn ask(&self, method: Method, repository: &str, reference: &str) -> Result<Response, Failure> {
        let url = format!("{}/{repository}/manifests/{reference}", self.base);
        let request = || self.client.request(method.clone(), &url).header(header::ACCEPT, MANIFESTS);
        let answer = request().send().await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let wanted = answer.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let request = match (Challenge::read(wanted), &self.login) {
            (Some(challenge), login) => request().bearer_auth(self.token(&challenge, login.as_ref()).await?),
            (None, Some(login)) => request().basic_auth(&login.user, Some(login.password.expose())),
            (None, None) => return Ok(answer),
        };
        Ok(request.send().await?)
    }

    async fn token(&self, challenge: &Challenge, login: Option<&Login>) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Token {
            #[serde(alias = "access_token")]
            token: String,
        }
        let mut request = self.client.get(&challenge.realm).query(&[("service", &challenge.service), ("scope", &challenge.scope)]);
        if let Some(login) = login {
            request = request.basic_auth(&login.user, Some(login.password.expose()));
        }
        Ok(request.send().await?.error_for_status()?.json::<Token>().await?.token)
    }
}

/// Where a registry gets its tokens from.
#[derive(Debug, Default, PartialEq)]
struct Challenge {
    realm: String,
    service: String,
    scope: String,
}

impl Challenge {
    /// `Bearer realm="...",service="...",scope="..."`
    fn read(text: &str) -> Option<Self> {
        let fields = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer "))?;
        let value = |name: &str| {
            let (_, rest) = fields.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let rest = |name| value(name).unwrap_or_default();
        Some(Self { realm: value("realm")?, service: rest("service"), scope: rest("scope") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read() {
        let text = r#"Bearer realm="https://auth.io/token",service="r.io",scope="repository:a/b:pull,delete""#;
        let challenge = Challenge::read(text).unwrap();
        assert_eq!((challenge.realm.as_str(), challenge.scope.as_str()), ("https://auth.io/token", "repository:a/b:pull,delete"));
        assert_eq!(Challenge::read("Basic realm=\"r\""), None);
    }
}
