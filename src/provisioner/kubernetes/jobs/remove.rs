//! Removes the objects of a job.

use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::{Secret, ServiceAccount},
};
use kube::ResourceExt;

use super::{all, api};
use crate::{
    error::Result,
    provisioner::{
        JobId,
        kubernetes::{Kubernetes, client::SHORT, objects::names, write::LONG},
    },
};

/// First what would begin runs, then the runs with their pods, then what they used.
pub async fn remove(cluster: &Kubernetes, job: &JobId) -> Result<()> {
    let crons = api::<CronJob>(cluster, &job.pool);
    let runs = api::<Job>(cluster, &job.pool);
    let there = all(&cluster.writer(SHORT), &crons, &job.name).await?;
    let writer = cluster.writer(LONG);
    for cron in there {
        writer.remove(&crons, &cron.name_any()).await?;
    }
    for run in all(&writer, &runs, &job.name).await? {
        writer.remove(&runs, &run.name_any()).await?;
    }
    writer.remove(&api::<Secret>(cluster, &job.pool), &names::job_secret(&job.name)).await?;
    writer.remove(&api::<ServiceAccount>(cluster, &job.pool), &names::job_account(&job.name)).await?;
    Ok(())
}
