//! What is in the environment of a job.

use std::collections::BTreeMap;

use crate::{
    app::{EnvVar, env::merge::with_services},
    job::Job,
};

/// Every variable with what clients show of it.
pub fn merged(job: &Job) -> BTreeMap<String, EnvVar> {
    with_services(&own(job), &job.spec.service_envs)
}

/// Those that were set for the job itself.
pub(super) fn own(job: &Job) -> BTreeMap<String, EnvVar> {
    job.spec.envs.iter().map(|var| (var.name.clone(), var.clone())).collect()
}
