//! Jobs: commands that run at times, or when somebody says so.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::{JobPlace, LogLine, LogQuery, Source, Unit};
use crate::{clock::Time, error::Result, output::Output, secret::Secret};

/// Runs jobs. Apps and jobs may have the same names.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Makes what a job runs from; the name of its image. A failed build changes nothing.
    async fn build_job(&self, request: JobBuild, out: &Output) -> Result<String>;
    /// From now on the job runs like this. Runs that go on are left alone.
    async fn ensure_job(&self, want: JobState) -> Result<()>;
    /// Ends every run and forgets the job, its files and logs; one that is not there is no error.
    async fn remove_job(&self, job: &JobId) -> Result<()>;
    /// Runs it now, whatever its schedule.
    async fn trigger_job(&self, job: &JobId) -> Result<()>;
    /// Its runs, oldest first: those that go on and the last ones that ended.
    async fn job_units(&self, job: &JobId) -> Result<Vec<Unit>>;
    /// Ends a run and forgets it.
    async fn kill_job_unit(&self, job: &JobId, unit: &str, force: bool) -> Result<()>;
    /// Past lines oldest first, then, with `follow`, live ones until dropped. The query's `app` is the job.
    async fn job_logs(&self, job: &JobId, query: LogQuery) -> Result<BoxStream<'static, LogLine>>;
    /// Runs that ended and were not noted yet, once there are some.
    async fn ended_jobs(&self) -> Vec<JobEnd>;
    /// The end of this run is noted.
    async fn note_job_end(&self, end: &JobEnd) -> Result<()>;
}

/// Which job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobId {
    /// Its name.
    pub name: String,
    /// Its pool, which says where in a cluster it is.
    pub pool: String,
}

/// A job of a machine, which has no pools.
impl From<&str> for JobId {
    fn from(name: &str) -> Self {
        Self { name: name.into(), pool: String::new() }
    }
}

/// What a job is to run from.
#[derive(Debug)]
pub struct JobBuild {
    /// The job.
    pub job: String,
    /// Its pool.
    pub pool: String,
    /// An image, or a Dockerfile.
    pub source: Source,
    /// The job's environment, for the steps of a build.
    pub env: BTreeMap<String, Secret>,
}

/// The wanted state of a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct JobState {
    /// Its name.
    pub job: String,
    /// What it runs from, as [`Jobs::build_job`] named it.
    pub image: String,
    /// One element: a shell line; several: an argv; none: the image's own.
    pub command: Vec<String>,
    /// Environment.
    #[serde(serialize_with = "super::env_map")]
    pub env: BTreeMap<String, Secret>,
    /// When it runs; none: only when somebody says so.
    pub schedule: Option<String>,
    /// What happens when it is time and the last run goes on.
    pub concurrency: Concurrency,
    /// Seconds that a run may take.
    pub deadline: u64,
    /// So often a failing command is started again.
    pub retries: u32,
    /// Bytes of memory; 0: no limit.
    pub memory: i64,
    /// Thousandths of a core; 0: no limit.
    pub cpu_milli: i64,
    /// What a cluster wants to know besides.
    #[serde(default, skip_serializing_if = "JobPlace::is_default")]
    pub place: JobPlace,
}

/// What happens when it is time and the last run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Concurrency {
    /// Both run.
    #[default]
    Allow,
    /// The new one waits.
    Forbid,
    /// The old one ends.
    Replace,
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEnd {
    /// The job.
    pub job: String,
    /// The run.
    pub unit: String,
    /// No other run of any job has it, also not one of the same name.
    pub id: String,
    /// What began the run: the job itself, or what stands for it in a cluster.
    pub controller: String,
    /// Start.
    pub started_at: Time,
    /// End.
    pub ended_at: Time,
    /// Why it failed: `BackoffLimitExceeded`, `DeadlineExceeded`; none when it did not.
    pub failure: Option<String>,
}

/// App and version of an image that a machine without a registry made: `tsuru/app-blog:v3`.
pub fn app_image(image: &str) -> Option<(&str, u32)> {
    let (app, version) = image.strip_prefix("tsuru/app-")?.rsplit_once(":v")?;
    Some((app, version.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::app_image;

    #[test]
    fn images_of_apps_are_known_by_their_names() {
        assert_eq!(app_image("tsuru/app-blog:v3"), Some(("blog", 3)));
        for other in ["tsuru/app-blog", "tsuru/app-blog:latest", "registry/app-blog:v3", "tsuru/python", "tsuru/app-b:v-1"] {
            assert_eq!(app_image(other), None, "{other}");
        }
    }
}
