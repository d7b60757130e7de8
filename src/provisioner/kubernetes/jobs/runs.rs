//! Runs of jobs: begun, shown, ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::Pod,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};

use super::{all, api, newest};
use crate::{
    clock::Time,
    error::{Error, Result},
    provisioner::{
        JobId, Unit,
        kubernetes::{
            Kubernetes,
            client::{SHORT, ask},
            objects::job,
            unit,
        },
    },
};

/// Names the run of a pod.
const RUN: &str = "job-name";
/// Until what was done is seen.
const SEEN: Duration = Duration::from_secs(3);

/// Runs it now: once a minute, as the run's name says the minute.
pub async fn trigger(cluster: &Kubernetes, of: &JobId) -> Result<()> {
    let there = all(&cluster.writer(SHORT), &api::<CronJob>(cluster, &of.pool), &of.name).await?;
    let cron = newest(&there).ok_or_else(|| Error::refused(format!("job {:?} has no image yet: deploy it first", of.name)))?;
    let run = job::manual(cron, &of.name, Time::now().millis() / 1000);
    create(cluster, of, &run).await?;
    let name = run.name_any();
    cluster.runs.until(SEEN, |runs| runs.of_job(&of.name).iter().any(|run| run.name_any() == name)).await;
    Ok(())
}

/// A run that is there already is ours when an answer was lost before.
async fn create(cluster: &Kubernetes, of: &JobId, run: &Job) -> Result<()> {
    let (runs, params, tried) = (api::<Job>(cluster, &of.pool), PostParams::default(), AtomicBool::new(false));
    let again = AtomicBool::new(false);
    let created = ask(&cluster.spec.name, SHORT, || {
        again.store(tried.swap(true, Ordering::Relaxed), Ordering::Relaxed);
        runs.create(&params, run)
    });
    match created.await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            if again.into_inner() {
                Ok(())
            } else {
                Err(Error::refused(job::twice(&run.name_any())))
            }
        }
        Err(e) => Err(cluster.told(&e)),
    }
}

/// Its runs, oldest first: whatever labels they have beside the job's name.
pub async fn units(cluster: &Kubernetes, of: &JobId) -> Result<Vec<Unit>> {
    cluster.is_known(&cluster.runs).await?;
    let (namespace, pods) = (cluster.namespace(&of.pool), cluster.pods.of_job(&of.name));
    let runs = cluster.runs.of_job(&of.name);
    let staying = runs.iter().filter(|run| run.namespace().as_ref() == Some(&namespace) && run.metadata.deletion_timestamp.is_none());
    let mut units: Vec<Unit> = staying.filter_map(|run| unit::of_run(run, restarts(&pods, &run.name_any()))).collect();
    units.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(units)
}

fn restarts(pods: &[Arc<Pod>], run: &str) -> u32 {
    let of_run = pods.iter().filter(|pod| pod.labels().get(RUN).is_some_and(|of| of == run));
    of_run.map(|pod| unit::restarts(pod)).sum()
}

/// Ends a run and forgets it.
pub async fn kill(cluster: &Kubernetes, of: &JobId, unit: &str, force: bool) -> Result<()> {
    let (runs, writer) = (api::<Job>(cluster, &of.pool), cluster.writer(SHORT));
    let run = writer.get(&runs, unit).await?.filter(|run| run.labels().get("tsuru.io/job-name") == Some(&of.name));
    run.ok_or_else(|| Error::not_found(format!("unit {unit:?} not found")))?;
    let how = DeleteParams { grace_period_seconds: force.then_some(1), ..DeleteParams::background() };
    writer.remove_as(&runs, unit, &how).await?;
    if force {
        let (pods, of_run) = (api::<Pod>(cluster, &of.pool), ListParams::default().labels(&format!("{RUN}={unit}")));
        for pod in writer.asked(|| pods.list(&of_run)).await? {
            writer.remove_as(&pods, &pod.name_any(), &how).await?;
        }
    }
    let is_going = |run: &Arc<Job>| run.name_any() != unit || run.metadata.deletion_timestamp.is_some();
    cluster.runs.until(SEEN, |runs| runs.of_job(&of.name).iter().all(is_going)).await;
    Ok(())
}
