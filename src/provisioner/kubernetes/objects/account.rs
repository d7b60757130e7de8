//! Service accounts of apps and jobs.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ServiceAccount;

use super::{labels, meta, names, some};
use crate::provisioner::{AppState, JobState};

/// Annotations that hold the account's own ones as JSON; the first that is there counts.
const SAID: [&str; 3] =
    ["app.tsuru.io/service-account-annotations", "job.tsuru.io/service-account-annotations", "app.tsuru.io/k8s-service-account"];

/// Of an app.
pub fn of_app(app: &AppState, namespace: &str) -> ServiceAccount {
    account(names::account(&app.app), namespace, labels::of_app(&app.app), &app.place.annotations)
}

/// Of a job.
pub fn of_job(job: &JobState, namespace: &str) -> ServiceAccount {
    account(names::job_account(&job.job), namespace, labels::of_job(&job.job), &job.place.annotations)
}

fn account(name: String, namespace: &str, labels: labels::Labels, annotations: &BTreeMap<String, String>) -> ServiceAccount {
    let mut metadata = meta(name, namespace, labels);
    metadata.annotations = some(SAID.iter().find_map(|key| annotations.get(*key)).map(|json| mapped(json)).unwrap_or_default());
    ServiceAccount { metadata, ..ServiceAccount::default() }
}

/// With what others gave the one that is there, as the token controller does.
pub fn over(want: &ServiceAccount, there: &ServiceAccount) -> ServiceAccount {
    let mut want = want.clone();
    (want.secrets, want.image_pull_secrets) = (there.secrets.clone(), there.image_pull_secrets.clone());
    want.metadata.finalizers.clone_from(&there.metadata.finalizers);
    want
}

/// A JSON map of texts; what is none says nothing.
pub fn mapped(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap_or_default()
}
