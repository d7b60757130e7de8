//! Adding, changing and removing platforms.

use super::Platform;
use crate::{
    app::App,
    error::{Error, OrNotFound, Result},
    names::is_common,
    provisioner::Builder,
    store::{Filter, Store, StoreError, Update},
};

const BAD_NAME: &str = "Invalid platform name, platform name should have at most 40 characters, containing only lower case letters, \
                        numbers or dashes, starting with a letter.";

/// Refused unless this server's provisioner can build apps of the platform as the Dockerfile describes it.
pub async fn check_buildable(builder: &(impl Builder + ?Sized), name: &str, dockerfile: &str) -> Result<()> {
    builder.can_build(name).await?;
    if builder.runs_images() || is_own(name, dockerfile) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "platform {name:?} is built into this server: it uses what is installed on this machine and runs no images, so it cannot be \
         made from a Dockerfile or an image of your own (leave them out to use it as it is)"
    )))
}

/// What the command line sends when nobody chose an image.
fn is_own(name: &str, dockerfile: &str) -> bool {
    let mut lines = dockerfile.lines().map(str::trim).filter(|line| !line.is_empty());
    let image = lines.next().and_then(|line| line.strip_prefix("FROM ")).map(str::trim);
    let own = [format!("tsuru/{name}"), format!("tsuru/{name}:latest")];
    lines.next().is_none() && image.is_some_and(|image| own.iter().any(|known| known == image))
}

/// Checks a new platform's name.
pub fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::refused("Platform name is required."));
    }
    if is_common(name) { Ok(()) } else { Err(Error::invalid(BAD_NAME)) }
}

/// Adds a platform.
pub async fn add(store: &Store, name: &str) -> Result<()> {
    match store.of::<Platform>().insert(&Platform { name: name.into(), disabled: false }).await {
        Err(StoreError::Duplicate(_)) => Err(Error::refused("Duplicate platform")),
        other => Ok(other?),
    }
}

/// Hides or shows a platform.
pub async fn set_disabled(store: &Store, name: &str, disabled: bool) -> Result<()> {
    let changed = store.of::<Platform>().update(Filter::id(name), Update::set("disabled", disabled)).await?;
    changed.map(|_| ()).ok_or_else(|| Error::refused(super::INVALID))
}

/// The next deploy of the platform's apps builds everything anew.
pub async fn rebuild_apps(store: &Store, name: &str) -> Result<()> {
    store.of::<App>().update_many(Filter::eq("framework", name), Update::set("updateplatform", true)).await?;
    Ok(())
}

/// Removes a platform that no app uses.
pub async fn remove(store: &Store, name: &str) -> Result<()> {
    if store.of::<App>().count(Filter::eq("framework", name)).await? > 0 {
        return Err(Error::refused("Platform has apps. You must remove them before remove the platform."));
    }
    let removed = store.of::<Platform>().delete(Filter::id(name)).await?;
    (removed > 0).then_some(()).or_not_found("Platform doesn't exist.")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::{
        output::Output,
        provisioner::{BuildRequest, Built},
    };

    /// A machine with Python and nothing else.
    struct OnlyPython;

    #[async_trait]
    impl Builder for OnlyPython {
        async fn can_build(&self, platform: &str) -> Result<()> {
            if platform == "python" { Ok(()) } else { Err(Error::refused("no toolchain")) }
        }

        async fn build(&self, _: BuildRequest, _: &Output) -> Result<Built> {
            Err(Error::refused("nothing is built here"))
        }

        async fn remove_version(&self, _: &str, _: u32) -> Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_platform_is_taken_as_it_is_built_in_or_refused_with_the_reason() {
        let refusal = async |name, dockerfile| check_buildable(&OnlyPython, name, dockerfile).await.map_err(|e| e.to_string());
        assert_eq!(refusal("python", "FROM tsuru/python").await, Ok(()));
        assert_eq!(refusal("go", "FROM tsuru/go").await, Err("no toolchain".into()));
        assert!(refusal("python", "FROM my/python").await.unwrap_err().contains("built into this server"));
    }

    #[test]
    fn a_platform_without_a_wish_is_the_built_in_one() {
        assert!(is_own("python", "FROM tsuru/python"));
        assert!(is_own("python", "FROM tsuru/python:latest\n"));
        assert!(!is_own("python", "FROM tsuru/go"));
        assert!(!is_own("python", "FROM tsuru/python\nRUN rm -rf /"));
        assert!(!is_own("python", ""));
    }
}
