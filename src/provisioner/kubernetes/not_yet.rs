//! What this server cannot do on Kubernetes yet: it says so.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::Kubernetes;
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{BuildRequest, Builder, Built, JobBuild, JobEnd, JobState, Jobs, LogLine, LogQuery, Unit},
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

#[async_trait]
impl Jobs for Kubernetes {
    async fn build_job(&self, _: JobBuild, _: &Output) -> Result<String> {
        Err(error("builds of jobs"))
    }

    async fn ensure_job(&self, _: JobState) -> Result<()> {
        Err(error("jobs"))
    }

    async fn remove_job(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn trigger_job(&self, _: &str) -> Result<()> {
        Err(error("jobs"))
    }

    async fn job_units(&self, _: &str) -> Result<Vec<Unit>> {
        Ok(Vec::new())
    }

    async fn kill_job_unit(&self, _: &str, unit: &str, _: bool) -> Result<()> {
        Err(Error::not_found(format!("unit {unit:?} not found")))
    }

    async fn job_logs(&self, _: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        Err(error("logs of jobs"))
    }

    async fn ended_jobs(&self) -> Vec<JobEnd> {
        std::future::pending().await
    }

    async fn note_job_end(&self, _: &JobEnd) -> Result<()> {
        Ok(())
    }
}
