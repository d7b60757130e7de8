//! Finding a version by what people call it.

use std::collections::BTreeSet;

use super::{AppVersions, Version};
use crate::{
    error::{Error, OrNotFound, Result},
    store::{Filter, Store},
};

impl AppVersions {
    /// The versions of an app; none when it never had one.
    pub async fn load(store: &Store, app: &str) -> Result<Self> {
        Ok(store.of::<Self>().get(Filter::eq("appname", app)).await?.unwrap_or_else(|| Self::none(app)))
    }

    /// An app without versions.
    pub fn none(app: &str) -> Self {
        Self {
            id: bson::oid::ObjectId::new(),
            app: app.into(),
            count: 0,
            last_successful: 0,
            versions: Default::default(),
            updated_at: crate::clock::Time::zero(),
            updated_hash: String::new(),
        }
    }

    /// By number: `3`, `v3`, or the whole name of its image.
    pub fn find(&self, called: &str) -> Result<&Version> {
        let number = called.strip_prefix('v').unwrap_or(called).parse::<i64>().ok();
        let is_it = |version: &&Version| match number {
            Some(number) => version.version == number,
            None => !called.is_empty() && (version.deploy_image == called || version.build_image == called),
        };
        self.versions.values().find(is_it).ok_or_else(|| Error::refused(format!("Invalid version: {called}")))
    }

    /// By number.
    pub fn number(&self, number: u32) -> Option<&Version> {
        self.versions.get(&number.to_string())
    }

    /// The names of all images.
    pub fn images(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.versions.values().flat_map(Version::images).collect();
        all.into_iter().cloned().collect()
    }

    /// The version that was deployed last.
    pub fn latest(&self) -> Result<&Version> {
        let number = self.last_successful.to_string();
        self.versions.get(&number).or_not_found("no versions available for app").map_err(|e| Error::refused(e.to_string()))
    }
}

impl Version {
    /// The names of its images.
    pub fn images(&self) -> impl Iterator<Item = &String> {
        [&self.deploy_image, &self.build_image].into_iter().filter(|image| !image.is_empty())
    }

    /// Its number as provisioners know it.
    pub fn number(&self) -> u32 {
        u32::try_from(self.version).unwrap_or_default()
    }

    /// `deploy rollback` may go back to it.
    pub fn can_rollback(&self) -> bool {
        self.deploy_successful && !self.deploy_image.is_empty() && !self.disabled && !self.marked_to_removal
    }

    /// Refuses a version that may not be rolled back to.
    pub fn check_rollback(&self) -> Result<()> {
        if self.marked_to_removal || !self.deploy_successful {
            return Err(Error::refused("the selected version is marked to removal"));
        }
        if self.disabled {
            return Err(Error::refused(format!("the selected version is disabled for rollback: {}", self.disabled_reason)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions() -> AppVersions {
        let mut all = AppVersions::none("a");
        for number in [1, 11] {
            let image = format!("tsuru/app-a:v{number}");
            all.versions.insert(number.to_string(), Version { version: number, deploy_image: image, ..Version::default() });
        }
        all
    }

    #[test]
    fn a_version_is_found_by_number_name_and_image() {
        let all = versions();
        for called in ["1", "v1", "tsuru/app-a:v1"] {
            assert_eq!(all.find(called).unwrap().version, 1);
        }
        assert_eq!(all.find("11").unwrap().version, 11);
    }

    #[test]
    fn anything_else_is_an_invalid_version() {
        for called in ["2", "v2", "tsuru/app-a:v2", ":v1", "", "v", "latest"] {
            assert_eq!(versions().find(called).unwrap_err().to_string(), format!("Invalid version: {called}"));
        }
    }

    #[test]
    fn only_what_was_deployed_and_is_enabled_can_be_rolled_back_to() {
        let good = Version { deploy_successful: true, deploy_image: "i".into(), ..Version::default() };
        assert!(good.can_rollback() && good.check_rollback().is_ok());
        let disabled = Version { disabled: true, disabled_reason: "leaks".into(), ..good.clone() };
        assert!(!disabled.can_rollback());
        assert_eq!(disabled.check_rollback().unwrap_err().to_string(), "the selected version is disabled for rollback: leaks");
        assert!(Version { deploy_successful: false, ..good }.check_rollback().is_err());
    }
}
