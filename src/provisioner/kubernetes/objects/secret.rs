//! Secrets: private variables of apps and jobs.

use k8s_openapi::api::core::v1::Secret;

use super::{Making, Owner, env, labels, meta, names, some};
use crate::provisioner::JobState;

/// Of a deployment. It has no owner until the deployment is there.
pub fn of_deployment(m: &Making<'_>, owner: Option<Owner<'_>>) -> Secret {
    let mut metadata = meta(names::secret(&m.spot.name), &m.spot.namespace, labels::of_app(&m.app.app));
    metadata.owner_references = owner.map(|owner| vec![owner.controls()]);
    Secret { metadata, data: some(env::private(&env::vars(m))), ..Secret::default() }
}

/// Of a job.
pub fn of_job(job: &JobState, namespace: &str, owner: Option<Owner<'_>>) -> Secret {
    let mut metadata = meta(names::job_secret(&job.job), namespace, labels::of_job(&job.job));
    metadata.owner_references = owner.map(|owner| vec![owner.controls()]);
    Secret { metadata, data: some(env::private(&super::job::vars(job))), type_: Some("Opaque".into()), ..Secret::default() }
}
