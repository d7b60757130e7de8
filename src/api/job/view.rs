//! Jobs as clients see them.

use serde::Serialize;

use crate::{
    api::{
        app::{env::EnvView, view::MetadataView},
        plan::view::PlanView,
    },
    job::{Container, DeployOptions, Job, Spec},
};

/// A job.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    name: String,
    team_owner: String,
    owner: String,
    plan: PlanView,
    metadata: MetadataView,
    pool: String,
    description: String,
    tags: Vec<String>,
    deploy_options: Option<DeployView>,
    spec: SpecView,
}

/// tsuru's own mixture of cases.
#[derive(Serialize)]
struct DeployView {
    #[serde(rename = "JobName")]
    job_name: String,
    kind: String,
    image: String,
    #[serde(rename = "fileSize")]
    file_size: i64,
    #[serde(rename = "File")]
    file: Option<()>,
    dockerfile: String,
    #[serde(rename = "Message")]
    message: String,
    #[serde(rename = "User")]
    user: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpecView {
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completions: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_deadline_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff_limit: Option<i32>,
    schedule: String,
    manual: bool,
    container: ContainerView,
    envs: Vec<EnvView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContainerView {
    internal_registry_image: String,
    image: String,
    command: Vec<String>,
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        Self {
            name: job.name.clone(),
            team_owner: job.team_owner.clone(),
            owner: job.owner.clone(),
            plan: job.plan.clone().into(),
            metadata: job.metadata.clone().into(),
            pool: job.pool.clone(),
            description: job.description.clone(),
            tags: job.tags.clone(),
            deploy_options: job.deploy_options.clone().map(DeployView::from),
            spec: SpecView::from(job.spec.clone()),
        }
    }
}

impl From<DeployOptions> for DeployView {
    fn from(options: DeployOptions) -> Self {
        Self {
            job_name: options.job_name,
            kind: options.kind,
            image: options.image,
            file_size: options.file_size,
            file: None,
            dockerfile: options.dockerfile,
            message: options.message,
            user: options.user,
        }
    }
}

impl From<Spec> for SpecView {
    fn from(spec: Spec) -> Self {
        let Container { internal_registry_image, image, command } = spec.container;
        Self {
            concurrency_policy: spec.concurrency_policy,
            completions: spec.completions,
            parallelism: spec.parallelism,
            active_deadline_seconds: spec.active_deadline_seconds,
            backoff_limit: spec.backoff_limit,
            schedule: spec.schedule,
            manual: spec.manual,
            container: ContainerView { internal_registry_image, image, command },
            envs: spec.envs.into_iter().map(EnvView::from).collect(),
        }
    }
}
