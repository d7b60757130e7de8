//! What this server cannot do on Kubernetes yet: it says so.

use async_trait::async_trait;

use super::Kubernetes;
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{BuildRequest, Builder, Built},
};

/// The refusal.
pub fn error(what: &str) -> Error {
    Error::NotYet(format!("{what}: not there yet on Kubernetes in this server"))
}

#[async_trait]
impl Builder for Kubernetes {
    async fn can_build(&self, _: &str) -> Result<()> {
        Err(error("builds"))
    }

    async fn build(&self, _: BuildRequest, _: &Output) -> Result<Built> {
        Err(error("builds"))
    }

    async fn remove_version(&self, _: &str, _: u32) -> Result<()> {
        Ok(())
    }
}
