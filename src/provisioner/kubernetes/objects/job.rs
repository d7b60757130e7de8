//! Jobs: a cron job each, also of those that only run when somebody says so; and the runs that somebody asks for.

use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec},
        core::v1::{Container, PodSpec, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::{
    Owner,
    env::{self, Var},
    isolation, labels, meta, names,
    resources::{self, Size},
    some,
};
use crate::provisioner::{
    Concurrency, JobState,
    kubernetes::settings::{Factors, PoolSettings},
};

/// The schedule of jobs that only run when somebody says so: a day that never comes.
const NEVER: &str = "* * 31 2 *";
/// Seconds that an ended run is kept.
const KEPT: i32 = 86_400;
/// Says that somebody asked for a run.
const MANUAL: (&str, &str) = ("cronjob.kubernetes.io/instantiate", "manual");

/// When a job runs.
pub fn schedule(job: &JobState) -> &str {
    let said = job.schedule.as_deref().unwrap_or(&job.place.schedule);
    if said.is_empty() { NEVER } else { said }
}

/// The cron job.
pub fn of(job: &JobState, namespace: &str, pool: &PoolSettings) -> CronJob {
    let mut metadata = meta(names::cron_job(&job.job, schedule(job)), namespace, labels::job(job));
    metadata.annotations = some(job.place.annotations.clone());
    let policy = match job.concurrency {
        Concurrency::Allow => "Allow",
        Concurrency::Forbid => "Forbid",
        Concurrency::Replace => "Replace",
    };
    let spec = CronJobSpec {
        schedule: schedule(job).into(),
        suspend: Some(job.schedule.is_none()),
        concurrency_policy: Some(policy.into()),
        job_template: JobTemplateSpec { metadata: None, spec: Some(runs(job, pool)) },
        ..CronJobSpec::default()
    };
    CronJob { metadata, spec: Some(spec), status: None }
}

fn runs(job: &JobState, pool: &PoolSettings) -> JobSpec {
    let metadata = ObjectMeta {
        labels: Some(labels::job(job)),
        annotations: some(isolation::annotations(&job.place.annotations, pool)),
        ..ObjectMeta::default()
    };
    JobSpec {
        parallelism: job.place.parallelism,
        completions: job.place.completions,
        backoff_limit: job.place.backoff_limit,
        active_deadline_seconds: i64::try_from(job.deadline).ok(),
        ttl_seconds_after_finished: Some(KEPT),
        template: PodTemplateSpec { metadata: Some(metadata), spec: Some(pod(job, pool)) },
        ..JobSpec::default()
    }
}

fn pod(job: &JobState, pool: &PoolSettings) -> PodSpec {
    let size = Size { memory: job.memory, cpu_milli: job.cpu_milli, burst: job.place.cpu_burst };
    let container = Container {
        name: "job".into(),
        image: Some(job.image.clone()),
        command: some(job.command.clone()),
        resources: Some(resources::of(size, &Factors::default(), &pool.ephemeral_storage)),
        env: some(env::container(&vars(job), &names::job_secret(&job.job), pool.disable_secrets)),
        ..Container::default()
    };
    let spec = PodSpec {
        restart_policy: Some("OnFailure".into()),
        containers: vec![container],
        service_account_name: Some(names::job_account(&job.job)),
        ..PodSpec::default()
    };
    isolation::harden(spec, pool)
}

/// The variables of a job, in the order they were set.
pub fn vars(job: &JobState) -> Vec<Var> {
    let var = |name: &String| {
        let value = job.env.get(name)?.clone();
        Some(Var { name: name.clone(), value, public: job.place.public.contains(name) })
    };
    job.place.order.iter().filter_map(var).collect()
}

/// A run that somebody asks for at this time, in seconds.
pub fn manual(cron: &CronJob, job: &str, seconds: i64) -> Job {
    let from = &cron.metadata;
    let mut annotations = from.annotations.clone().unwrap_or_default();
    annotations.insert(MANUAL.0.into(), MANUAL.1.into());
    let (name, uid) = (from.name.as_deref().unwrap_or_default(), from.uid.as_deref().unwrap_or_default());
    let owner = Owner { api: "batch/v1", kind: "CronJob", name, uid };
    let metadata = ObjectMeta {
        name: Some(names::manual_run(job, seconds)),
        namespace: from.namespace.clone(),
        labels: from.labels.clone(),
        annotations: Some(annotations),
        owner_references: Some(vec![owner.names()]),
        ..ObjectMeta::default()
    };
    let spec = cron.spec.as_ref().and_then(|spec| spec.job_template.spec.clone());
    Job { metadata, spec, status: None }
}

/// What is said of a second run in the same minute.
pub fn twice(name: &str) -> String {
    format!("manual job {name:?} already exists (cronjobs can only be triggered once per minute)")
}
