//! Jobs of a cluster: each is a cron job, also when it only runs when somebody says so; its runs are the jobs that this makes.

mod ends;
mod ensure;
mod remove;
mod runs;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use k8s_openapi::{NamespaceResourceScope, api::batch::v1::CronJob};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, ObjectList},
};

pub use self::ends::Noted;
use super::{
    Kubernetes,
    logs::{Said, Sources},
    watch::Owner,
    write::{Object, Writer},
};
use crate::{
    error::Result,
    output::Output,
    provisioner::{JobBuild, JobEnd, JobId, JobState, Jobs, LogLine, LogQuery, Unit},
};

#[async_trait]
impl Jobs for Kubernetes {
    async fn build_job(&self, request: JobBuild, out: &Output) -> Result<String> {
        self.builds().job(request, out).await
    }

    async fn ensure_job(&self, want: JobState) -> Result<()> {
        Box::pin(ensure::ensure(self, &want)).await
    }

    async fn remove_job(&self, job: &JobId) -> Result<()> {
        remove::remove(self, job).await
    }

    async fn trigger_job(&self, job: &JobId) -> Result<()> {
        runs::trigger(self, job).await
    }

    async fn job_units(&self, job: &JobId) -> Result<Vec<Unit>> {
        runs::units(self, job).await
    }

    async fn kill_job_unit(&self, job: &JobId, unit: &str, force: bool) -> Result<()> {
        runs::kill(self, job, unit, force).await
    }

    async fn job_logs(&self, job: &JobId, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        self.is_known(&self.pods).await?;
        let namespace = Some(self.namespace(&job.pool));
        // Nobody says anything about jobs here.
        let sources = Sources { of: Owner::Job, namespace, said: Arc::new(Said::default()), ..self.sources() };
        sources.logs(LogQuery { app: job.name.clone(), ..query }).await
    }

    async fn ended_jobs(&self) -> Vec<JobEnd> {
        self.noted.ended(self).await
    }

    async fn note_job_end(&self, end: &JobEnd) -> Result<()> {
        self.noted.add(&end.id);
        Ok(())
    }
}

/// Objects of this kind in the namespace of the job's pool.
fn api<K>(cluster: &Kubernetes, pool: &str) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(cluster.client.clone(), &cluster.namespace(pool))
}

/// The job's objects of this kind, those on their way out among them.
async fn all<K: Object>(writer: &Writer<'_>, api: &Api<K>, job: &str) -> Result<Vec<K>> {
    let of_job = ListParams::default().labels(&format!("tsuru.io/job-name={job}"));
    let found: ObjectList<K> = writer.asked(|| api.list(&of_job)).await?;
    Ok(found.items)
}

/// The newest one that stays: an older one is about to go.
fn newest(crons: &[CronJob]) -> Option<&CronJob> {
    let staying = crons.iter().filter(|cron| cron.metadata.deletion_timestamp.is_none());
    staying.max_by_key(|cron| cron.creation_timestamp().map(|time| time.0.as_millisecond()))
}
