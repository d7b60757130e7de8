//! A provisioner that cannot be had: everything asked of it says why.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::{
    AppState, Apps, BuildRequest, Builder, Built, DynHold, DynProvisioner, Exec, InternalAddress, JobBuild, JobEnd, JobId, JobState, Jobs,
    LogLine, LogQuery, Logs, Provisioner, Routes, RunRequest, Shell, ShellRequest, Unit, VolumePlace, Volumes,
};
use crate::{
    error::{Error, Result},
    output::Output,
};

/// A cluster that is missing or badly described.
#[derive(Debug)]
pub struct Away {
    why: String,
}

impl Away {
    /// With the reason.
    pub fn because(why: impl Into<String>) -> DynProvisioner {
        Arc::new(Self { why: why.into() })
    }

    fn refuse<T>(&self) -> Result<T> {
        Err(Error::refused(self.why.clone()))
    }
}

impl Provisioner for Away {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn routes(&self) -> Result<Option<&dyn Routes>> {
        self.refuse()
    }
}

#[async_trait]
impl Builder for Away {
    async fn can_build(&self, _: &str) -> Result<()> {
        self.refuse()
    }

    async fn build(&self, _: BuildRequest, _: &Output) -> Result<Built> {
        self.refuse()
    }

    async fn remove_version(&self, _: &str, _: u32) -> Result<()> {
        self.refuse()
    }
}

#[async_trait]
impl Apps for Away {
    async fn apply(&self, _: AppState, _: DynHold, _: &Output) -> Result<()> {
        self.refuse()
    }

    async fn state(&self, _: &str) -> Result<Option<AppState>> {
        self.refuse()
    }

    fn seen(&self, _: &str) -> Option<AppState> {
        None
    }

    fn trouble(&self, _: &str) -> Option<String> {
        Some(self.why.clone())
    }

    async fn remove(&self, _: &str, _: &Output) -> Result<()> {
        self.refuse()
    }

    fn units(&self, _: &str) -> Vec<Unit> {
        Vec::new()
    }

    async fn kill_unit(&self, _: &str, _: &str, _: bool) -> Result<()> {
        self.refuse()
    }

    fn address(&self, _: &str) -> String {
        String::new()
    }

    async fn set_cnames(&self, _: &str, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn internal_addresses(&self, _: &str) -> Vec<InternalAddress> {
        Vec::new()
    }
}

#[async_trait]
impl Jobs for Away {
    async fn build_job(&self, _: JobBuild, _: &Output) -> Result<String> {
        self.refuse()
    }

    async fn ensure_job(&self, _: JobState) -> Result<()> {
        self.refuse()
    }

    async fn remove_job(&self, _: &JobId) -> Result<()> {
        self.refuse()
    }

    async fn trigger_job(&self, _: &JobId) -> Result<()> {
        self.refuse()
    }

    async fn job_units(&self, _: &JobId) -> Result<Vec<Unit>> {
        self.refuse()
    }

    async fn kill_job_unit(&self, _: &JobId, _: &str, _: bool) -> Result<()> {
        self.refuse()
    }

    async fn job_logs(&self, _: &JobId, _: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        self.refuse()
    }

    async fn ended_jobs(&self) -> Vec<JobEnd> {
        std::future::pending().await
    }

    async fn note_job_end(&self, _: &JobEnd) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Volumes for Away {
    fn check_volume(&self, _: &VolumePlace) -> Result<()> {
        self.refuse()
    }

    async fn has_volume(&self, _: &str) -> Result<bool> {
        self.refuse()
    }

    async fn remove_volume(&self, _: &str) -> Result<()> {
        self.refuse()
    }
}

#[async_trait]
impl Logs for Away {
    async fn logs(&self, _: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        self.refuse()
    }

    async fn log(&self, _: &str, _: LogLine) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Exec for Away {
    async fn run(&self, _: RunRequest, _: &Output) -> Result<()> {
        self.refuse()
    }

    async fn shell(&self, _: ShellRequest) -> Result<Shell> {
        self.refuse()
    }
}
