//! The platform of a new app.

use super::{INVALID, Platform, image};
use crate::{
    auth::Caller,
    error::{Error, Result},
    store::{Filter, Find, Store},
};

const LATEST: &str = "latest";

/// Name and version (`latest` when none is said) of a platform that this caller may use, from `python` or `python:v3`.
pub async fn usable(store: &Store, caller: &Caller, asked: &str) -> Result<(String, String)> {
    let (name, version) = split(asked);
    let known = store.of::<Platform>().recent(Filter::id(name), Find::default()).await?;
    let platform = known.first().ok_or_else(|| Error::refused(INVALID))?;
    if platform.disabled && !sees_disabled(caller) {
        return Err(Error::invalid(INVALID));
    }
    if version != LATEST {
        check_version(store, name, version).await?;
    }
    Ok((platform.name.clone(), version.into()))
}

/// Disabled platforms are there only for those who look after platforms.
pub fn sees_disabled(caller: &Caller) -> bool {
    caller.may("platform.update", &[]) || caller.may("platform.create", &[])
}

fn split(asked: &str) -> (&str, &str) {
    match asked.split_once(':') {
        Some((name, version)) if !version.is_empty() => (name, version),
        Some((name, _)) => (name, LATEST),
        None => (asked, LATEST),
    }
}

async fn check_version(store: &Store, name: &str, version: &str) -> Result<()> {
    let wanted: i64 = version.strip_prefix('v').unwrap_or(version).parse().unwrap_or(0);
    let known = image::versions(store, name).await?;
    if known.iter().any(|known| known.version == wanted) { Ok(()) } else { Err(Error::refused("Platform image not found")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_may_carry_its_version() {
        assert_eq!(split("python"), ("python", "latest"));
        assert_eq!(split("python:v3"), ("python", "v3"));
        assert_eq!(split("python:"), ("python", "latest"));
    }
}
