//! Brings the objects of a job to what is wanted.
//!
//! A cron job is named by its schedule: a new schedule makes a new one. The secret is given to the new one before the old one goes, or it
//! would go with it; runs of the old one go on.

use k8s_openapi::api::{batch::v1::CronJob, core::v1::Secret};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PropagationPolicy},
    runtime::{conditions::is_deleted, wait::await_condition},
};
use tokio::time::timeout;

use super::{all, api};
use crate::{
    error::{Error, Result},
    provisioner::{
        JobState,
        kubernetes::{
            Kubernetes,
            client::SHORT,
            isolation::Isolated,
            objects::{Owner, account, job, namespace, secret},
            write::{LONG, Writer},
        },
    },
};

/// Makes, changes and removes what differs. A cluster that does not answer is told of soon; work that began is seen through.
pub async fn ensure(cluster: &Kubernetes, want: &JobState) -> Result<()> {
    let pool = &want.place.pool;
    let crons = api::<CronJob>(cluster, pool);
    let there = all(&cluster.writer(SHORT), &crons, &want.job).await?;
    let writer = cluster.writer(LONG);
    if there.is_empty() {
        ensure_namespace(cluster, &writer, &cluster.namespace(pool)).await?;
    }
    if cluster.spec.settings.pool(pool)?.isolation {
        let namespace = cluster.namespace(pool);
        let isolated = Isolated { client: &cluster.client, writer, server: &cluster.server, namespace: &namespace, pool };
        isolated.ensure(&want.place.team).await?;
    }
    let account = account::of_job(want, &cluster.namespace(pool));
    writer.ensure_over(&api(cluster, pool), &account, account::over).await?;
    let cron = ensure_cron(cluster, &writer, want, &there).await?;
    let (name, uid) = (cron.name_any(), cron.uid().unwrap_or_default());
    let owner = Owner { api: "batch/v1", kind: "CronJob", name: &name, uid: &uid };
    writer.ensure(&api::<Secret>(cluster, pool), &secret::of_job(want, &cluster.namespace(pool), Some(owner))).await?;
    for old in there.iter().filter(|old| old.name_any() != name) {
        writer.remove_as(&crons, &old.name_any(), &alone()).await?;
    }
    Ok(())
}

async fn ensure_namespace(cluster: &Kubernetes, writer: &Writer<'_>, name: &str) -> Result<()> {
    let wanted = namespace::namespace(name, cluster.spec.settings.namespace_labels(name));
    writer.ensure_there(&Api::all(cluster.client.clone()), &wanted).await
}

async fn ensure_cron(cluster: &Kubernetes, writer: &Writer<'_>, want: &JobState, there: &[CronJob]) -> Result<CronJob> {
    let crons = api(cluster, &want.place.pool);
    let mut wanted = job::of(want, &cluster.namespace(&want.place.pool), &cluster.spec.settings.pool(&want.place.pool)?);
    if let Some(kept) = kept(&wanted, there) {
        wanted.metadata.name = kept.metadata.name.clone();
    }
    let name = wanted.name_any();
    if let Some(going) = there.iter().find(|cron| cron.name_any() == name && is_going(cron)) {
        until_gone(&crons, going).await?;
    }
    let over = |want: &CronJob, there: &CronJob| {
        let mut want = want.clone();
        want.metadata.finalizers.clone_from(&there.metadata.finalizers);
        want
    };
    Ok(writer.ensure_over(&crons, &wanted, over).await?.1)
}

/// The one that goes on under its name, which early servers of tsuru's did not take from the schedule.
fn kept<'a>(wanted: &CronJob, there: &'a [CronJob]) -> Option<&'a CronJob> {
    let schedule = |cron: &CronJob| cron.spec.as_ref().map(|spec| spec.schedule.clone());
    let mut fitting = there.iter().filter(|cron| !is_going(cron) && schedule(cron) == schedule(wanted));
    let named = there.iter().find(|cron| cron.metadata.name == wanted.metadata.name);
    named.or_else(|| fitting.next())
}

fn is_going(cron: &CronJob) -> bool {
    cron.metadata.deletion_timestamp.is_some()
}

async fn until_gone(crons: &Api<CronJob>, going: &CronJob) -> Result<()> {
    let (name, uid) = (going.name_any(), going.uid().unwrap_or_default());
    let gone = timeout(LONG, await_condition(crons.clone(), &name, is_deleted(&uid))).await;
    match gone {
        Ok(Ok(_)) => Ok(()),
        _ => Err(Error::unavailable(format!("the cron job {name:?} is being deleted and does not go"))),
    }
}

/// Without its runs, which go on.
fn alone() -> DeleteParams {
    DeleteParams { grace_period_seconds: Some(1), propagation_policy: Some(PropagationPolicy::Orphan), ..DeleteParams::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cron(name: &str, schedule: &str) -> CronJob {
        let spec = json!({"schedule": schedule, "jobTemplate": {"spec": {"template": {}}}});
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
    }

    #[test]
    fn a_cron_job_of_an_early_server_keeps_its_name_until_the_schedule_changes() {
        let there = [cron("old", "0 3 * * *")];
        let name = |wanted: &CronJob, there: &[CronJob]| kept(wanted, there).map(ResourceExt::name_any);
        assert_eq!(name(&cron("old-1", "0 3 * * *"), &there), Some("old".into()));
        assert_eq!(name(&cron("old-2", "0 4 * * *"), &there), None);
        let both = [cron("old", "0 3 * * *"), cron("old-1", "0 3 * * *")];
        assert_eq!(name(&cron("old-1", "0 3 * * *"), &both), Some("old-1".into()));
    }
}
