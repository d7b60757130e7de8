//! Jobs, their runs and their logs.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use impaas::{
    clock::Time,
    error::{Error, Result},
    output::Output,
    provisioner::{JobBuild, JobEnd, JobId, JobState, Jobs, LogLine, LogQuery, Logs, Source, Unit, UnitStatus},
};

use super::Memory;

/// Runs end well at once, and say the job's command.
#[async_trait]
impl Jobs for Memory {
    async fn build_job(&self, request: JobBuild, out: &Output) -> Result<String> {
        out.action("Building");
        let source = match request.source {
            Source::Archive(_) => "archive".to_owned(),
            Source::Dockerfile { text, context } => format!("dockerfile {text} {}", context.is_some()),
            Source::Image(image) => format!("image {image}"),
        };
        let mut inner = self.lock();
        inner.job_builds.push(source);
        match inner.fail.take() {
            Some(why) => Err(Error::refused(why)),
            None => Ok(format!("tsuru/job-{}:latest", request.job)),
        }
    }

    async fn ensure_job(&self, want: JobState) -> Result<()> {
        let mut inner = self.lock();
        if let Some(why) = inner.fail.take() {
            return Err(Error::refused(why));
        }
        inner.jobs.insert(want.job.clone(), want);
        Ok(())
    }

    async fn remove_job(&self, job: &JobId) -> Result<()> {
        self.lock().jobs.remove(&job.name);
        Ok(())
    }

    async fn trigger_job(&self, job: &JobId) -> Result<()> {
        let job = &job.name;
        let mut inner = self.lock();
        let Some(want) = inner.jobs.get(job).cloned() else { return Err(Error::refused("nothing was deployed")) };
        let id = format!("{job}-manual-job-{}", inner.runs.len());
        let run = Unit {
            id: id.clone(),
            app: String::new(),
            process: String::new(),
            version: 0,
            status: UnitStatus::Succeeded,
            reason: String::new(),
            ip: String::new(),
            internal_ip: String::new(),
            port: None,
            routable: false,
            ready: false,
            restarts: 0,
            created_at: Time::from_millis(0),
        };
        inner.runs.push((job.clone(), run));
        let line = LogLine { date: Time::from_millis(0), message: want.command.join(" "), source: String::new(), unit: id };
        inner.logs.push((format!("job {job}"), line));
        Ok(())
    }

    async fn job_units(&self, job: &JobId) -> Result<Vec<Unit>> {
        Ok(self.lock().runs.iter().filter(|(of, _)| *of == job.name).map(|(_, run)| run.clone()).collect())
    }

    async fn kill_job_unit(&self, job: &JobId, unit: &str, _: bool) -> Result<()> {
        let mut inner = self.lock();
        let before = inner.runs.len();
        inner.runs.retain(|(of, run)| *of != job.name || run.id != unit);
        if inner.runs.len() < before { Ok(()) } else { Err(Error::not_found(format!("unit {unit:?} not found"))) }
    }

    async fn job_logs(&self, _: &JobId, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        self.logs(LogQuery { app: format!("job {}", query.app), ..query }).await
    }

    async fn ended_jobs(&self) -> Vec<JobEnd> {
        std::future::pending().await
    }

    async fn note_job_end(&self, _: &JobEnd) -> Result<()> {
        Ok(())
    }
}
