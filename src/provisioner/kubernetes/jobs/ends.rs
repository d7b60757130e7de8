//! Ends of runs: told until they are noted, where the cluster says that they are to be noted.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use k8s_openapi::api::{
    batch::v1::{Job, JobCondition},
    coordination::v1::Lease,
};
use kube::{Api, ResourceExt};

use crate::{
    clock::Time,
    provisioner::{
        JobEnd,
        kubernetes::{Kubernetes, client::SHORT, objects::labels, unit},
    },
};

/// Whoever holds it leads tsuru's servers.
const LEASE: &str = "tsuru-controller";

/// Runs whose end was noted, by their identity.
#[derive(Default)]
pub struct Noted(Mutex<HashSet<String>>);

impl Noted {
    /// This one was.
    pub fn add(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }

    /// Runs that ended and were not noted yet, once there are some.
    pub async fn ended(&self, cluster: &Kubernetes) -> Vec<JobEnd> {
        let mut changes = cluster.runs.changes();
        while cluster.spec.settings.job_events().unwrap_or_default() {
            let found = self.news(cluster);
            if !found.is_empty() && !tsuru_leads(cluster).await {
                return found;
            }
            found.iter().for_each(|end| self.add(&end.id));
            if changes.changed().await.is_err() {
                break;
            }
        }
        std::future::pending().await
    }

    /// What was noted of runs that are gone is forgotten on the way.
    fn news(&self, cluster: &Kubernetes) -> Vec<JobEnd> {
        let mut ended = Vec::new();
        cluster.runs.each(|runs| ended.extend(runs.iter().filter(|run| is_here(cluster, run)).filter_map(|run| end(run))));
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ids: HashSet<&String> = ended.iter().map(|end| &end.id).collect();
        noted.retain(|id| ids.contains(id));
        ended.retain(|end| !noted.contains(&end.id));
        ended
    }
}

/// While one of tsuru's servers leads, it notes the ends itself. Ours do not lead.
async fn tsuru_leads(cluster: &Kubernetes) -> bool {
    let leases = Api::<Lease>::namespaced(cluster.client.clone(), cluster.spec.settings.home());
    let lease = cluster.writer(SHORT).get(&leases, LEASE).await.ok().flatten().and_then(|lease| lease.spec).unwrap_or_default();
    let led = lease.holder_identity.is_some_and(|holder| !holder.is_empty());
    let renewed = lease.renew_time.map_or(0, |time| time.0.as_millisecond());
    led && renewed + i64::from(lease.lease_duration_seconds.unwrap_or_default()) * 1000 > Time::now().millis()
}

/// Others may have jobs of the same names elsewhere in the cluster.
fn is_here(cluster: &Kubernetes, run: &Job) -> bool {
    let pool = labels::lookup(run.metadata.labels.as_ref(), None, "job-pool").unwrap_or_default();
    run.namespace().is_some_and(|namespace| namespace == cluster.namespace(pool))
}

/// The end of a run, if it ended.
fn end(run: &Job) -> Option<JobEnd> {
    let conditions = run.status.as_ref()?.conditions.as_deref().unwrap_or_default();
    let is_end = |condition: &&JobCondition| condition.status == "True" && ["Complete", "Failed"].contains(&condition.type_.as_str());
    let at = conditions.iter().find(is_end)?.last_transition_time.as_ref().map(|time| time.0.as_millisecond());
    let cron = run.owner_references().iter().find(|owner| owner.kind == "CronJob");
    let started = run.metadata.creation_timestamp.as_ref().map(|time| time.0.as_millisecond());
    Some(JobEnd {
        job: labels::lookup(run.metadata.labels.as_ref(), None, "job-name")?.to_owned(),
        unit: run.name_any(),
        id: run.uid()?,
        controller: cron.map_or_else(|| run.name_any(), |cron| cron.name.clone()),
        started_at: Time::from_millis(started.unwrap_or_default()),
        ended_at: Time::from_millis(at.unwrap_or_default()),
        failure: unit::failure(run),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(conditions: Value) -> Job {
        let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "j-12345678", "uid": "c"}]);
        let metadata = json!({"name": "j-1", "uid": "u", "labels": {"tsuru.io/job-name": "j"}, "ownerReferences": owner,
            "creationTimestamp": "2026-11-20T23:46:00Z"});
        serde_json::from_value(json!({"metadata": metadata, "status": {"conditions": conditions}})).unwrap()
    }

    fn condition(kind: &str, status: &str, reason: &str) -> Value {
        json!([{"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-11-20T23:47:00Z"}])
    }

    #[test]
    fn a_run_ends_once_it_is_complete_or_failed() {
        let well = end(&run(condition("Complete", "True", ""))).unwrap();
        assert_eq!((well.job.as_str(), well.controller.as_str(), well.failure), ("j", "j-12345678", None));
        assert_eq!(well.ended_at.millis() - well.started_at.millis(), 60_000);
        let ill = end(&run(condition("Failed", "True", "DeadlineExceeded"))).unwrap();
        assert_eq!(ill.failure.as_deref(), Some("DeadlineExceeded"));
    }

    #[test]
    fn until_then_it_goes_on() {
        for conditions in [json!([]), condition("Complete", "False", ""), condition("FailureTarget", "True", "x")] {
            assert_eq!(end(&run(conditions)), None);
        }
    }
}
