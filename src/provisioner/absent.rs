//! A server that runs no apps: everything else works, and whatever needs a provisioner says that there is none.

use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};

use super::{
    AppState, Apps, BuildRequest, Builder, Built, DynHold, Exec, InternalAddress, JobBuild, JobEnd, JobId, JobState, Jobs, LogLine,
    LogQuery, Logs, Provisioner, RunRequest, Shell, ShellRequest, Unit, Volumes,
};
use crate::{
    error::{Error, Result},
    output::Output,
};

/// No provisioner.
#[derive(Debug)]
pub struct Absent;

fn none<T>() -> Result<T> {
    Err(Error::NotYet("this server runs no apps: it has no provisioner".into()))
}

impl Provisioner for Absent {
    fn name(&self) -> &'static str {
        "local"
    }
}

#[async_trait]
impl Builder for Absent {
    async fn can_build(&self, _: &str) -> Result<()> {
        none()
    }

    async fn build(&self, _: BuildRequest, _: &Output) -> Result<Built> {
        none()
    }

    async fn remove_version(&self, _: &str, _: u32) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Apps for Absent {
    async fn apply(&self, _: AppState, _: DynHold, _: &Output) -> Result<()> {
        none()
    }

    async fn state(&self, _: &str) -> Result<Option<AppState>> {
        Ok(None)
    }

    fn seen(&self, _: &str) -> Option<AppState> {
        None
    }

    async fn remove(&self, _: &str, _: &Output) -> Result<()> {
        Ok(())
    }

    fn units(&self, _: &str) -> Vec<Unit> {
        Vec::new()
    }

    async fn kill_unit(&self, _: &str, _: &str, _: bool) -> Result<()> {
        none()
    }

    fn address(&self, app: &str) -> String {
        format!("{app}.localhost")
    }

    async fn set_cnames(&self, _: &str, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn internal_addresses(&self, _: &str) -> Vec<InternalAddress> {
        Vec::new()
    }
}

#[async_trait]
impl Jobs for Absent {
    async fn build_job(&self, _: JobBuild, _: &Output) -> Result<String> {
        none()
    }

    async fn ensure_job(&self, _: JobState) -> Result<()> {
        none()
    }

    async fn remove_job(&self, _: &JobId) -> Result<()> {
        Ok(())
    }

    async fn trigger_job(&self, _: &JobId) -> Result<()> {
        none()
    }

    async fn job_units(&self, _: &JobId) -> Result<Vec<Unit>> {
        Ok(Vec::new())
    }

    async fn kill_job_unit(&self, _: &JobId, unit: &str, _: bool) -> Result<()> {
        Err(Error::not_found(format!("unit {unit:?} not found")))
    }

    async fn job_logs(&self, _: &JobId, _: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        Ok(futures_util::stream::empty().boxed())
    }

    async fn ended_jobs(&self) -> Vec<JobEnd> {
        std::future::pending().await
    }

    async fn note_job_end(&self, _: &JobEnd) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Volumes for Absent {
    async fn remove_volume(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Logs for Absent {
    async fn logs(&self, _: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        Ok(futures_util::stream::empty().boxed())
    }

    async fn log(&self, _: &str, _: LogLine) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Exec for Absent {
    async fn run(&self, _: RunRequest, _: &Output) -> Result<()> {
        none()
    }

    async fn shell(&self, _: ShellRequest) -> Result<Shell> {
        none()
    }
}
