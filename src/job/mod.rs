//! Jobs: commands that run at times, or when somebody says so.

pub mod create;
mod deploy;
pub mod env;
mod image;
pub mod list;
mod note;
mod remove;
mod run;
pub mod update;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    app::{EnvVar, Metadata, ServiceEnvVar},
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::{Context, ContextType},
    plan::Plan,
    provisioner::JobId,
    store::{Document, Filter, Index, IndexKey, Spec as Collection, Store, lenient},
};

pub use deploy::{Deploy, deploy};
pub use note::keep as keep_notes;
pub use remove::remove;
pub use run::{ensure, kill_unit, provisioner, state, trigger};

/// A job as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Name.
    pub name: String,
    /// The team that owns it.
    #[serde(default, rename = "teamowner")]
    pub team_owner: String,
    /// E-mail of the creator.
    #[serde(default)]
    pub owner: String,
    /// Its plan, copied at creation and update.
    #[serde(default)]
    pub plan: Plan,
    /// Labels and annotations.
    #[serde(default)]
    pub metadata: Metadata,
    /// Pool.
    #[serde(default)]
    pub pool: String,
    /// Free text.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub description: String,
    /// Tags.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tags: Vec<String>,
    /// What it was made or updated with.
    #[serde(default, rename = "deployoptions")]
    pub deploy_options: Option<DeployOptions>,
    /// How it runs.
    #[serde(default)]
    pub spec: Spec,
    /// The event that wrote last.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "is_zero")]
    pub fence: i64,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// What a job was made or updated with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeployOptions {
    /// The job, in events.
    #[serde(rename = "jobname", deserialize_with = "lenient::or_default")]
    pub job_name: String,
    /// `image`, `dockerfile`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub kind: String,
    /// Image.
    #[serde(deserialize_with = "lenient::or_default")]
    pub image: String,
    /// Bytes of what was uploaded.
    #[serde(rename = "filesize", deserialize_with = "lenient::int")]
    pub file_size: i64,
    /// Text of a Dockerfile.
    #[serde(deserialize_with = "lenient::or_default")]
    pub dockerfile: String,
    /// The user's note.
    #[serde(deserialize_with = "lenient::or_default")]
    pub message: String,
    /// Who deployed.
    #[serde(deserialize_with = "lenient::or_default")]
    pub user: String,
}

impl DeployOptions {
    /// Of an image.
    pub fn image(image: &str) -> Self {
        Self { kind: "image".into(), image: image.into(), ..Self::default() }
    }
}

/// How a job runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// `Allow`, `Forbid`, `Replace`; none: `Allow`.
    #[serde(rename = "concurrencypolicy")]
    pub concurrency_policy: Option<String>,
    /// Runs that must end well.
    pub completions: Option<i32>,
    /// Runs at the same time.
    pub parallelism: Option<i32>,
    /// Seconds that a run may take; 0: an hour.
    #[serde(rename = "activedeadlineseconds")]
    pub active_deadline_seconds: Option<i64>,
    /// So often a failing command is started again.
    #[serde(rename = "backofflimit")]
    pub backoff_limit: Option<i32>,
    /// When.
    #[serde(deserialize_with = "lenient::or_default")]
    pub schedule: String,
    /// Only when somebody says so.
    pub manual: bool,
    /// What.
    pub container: Container,
    /// Variables of bound services.
    #[serde(rename = "serviceenvs", deserialize_with = "lenient::or_default")]
    pub service_envs: Vec<ServiceEnvVar>,
    /// Its own variables.
    #[serde(deserialize_with = "lenient::or_default")]
    pub envs: Vec<EnvVar>,
}

/// What a job runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Container {
    /// The image as the provisioner made it; empty: nothing was deployed yet.
    #[serde(rename = "internalRegistryImage", deserialize_with = "lenient::or_default")]
    pub internal_registry_image: String,
    /// The image that was asked for.
    #[serde(deserialize_with = "lenient::or_default")]
    pub image: String,
    /// Command.
    #[serde(deserialize_with = "lenient::or_default")]
    pub command: Vec<String>,
}

impl Document for Job {
    const SPEC: &'static Collection = &Collection {
        name: "jobs",
        indexes: &[Index { keys: &[IndexKey("name", false)], unique: true, sparse: false }],
        sealed: &["spec.envs.*.value", "spec.serviceenvs.*.value"],
    };
    const OURS: &'static [&'static str] = &["fence"];
}

impl Job {
    /// The job of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::eq("name", name)).await?.or_not_found(format!("Job {name} not found."))
    }

    /// What provisioners know it by.
    pub fn key(&self) -> JobId {
        JobId { name: self.name.clone(), pool: self.pool.clone() }
    }

    /// The image that it runs from; empty: nothing was deployed yet.
    pub fn image(&self) -> &str {
        let Container { internal_registry_image: own, image, .. } = &self.spec.container;
        // Early servers of tsuru's made none of their own.
        if own.is_empty() { image } else { own }
    }
}

/// Where permissions on a job hold.
pub fn contexts(team: &str, name: &str, pool: &str) -> Vec<Context> {
    vec![Context::team(team), Context::new(ContextType::Job, name), Context::pool(pool)]
}

/// The event target of a job.
pub fn target(name: &str) -> Target {
    Target::new(TargetType::Job, name)
}

impl Subject for Job {
    fn target(&self) -> Target {
        target(&self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        contexts(&self.team_owner, &self.name, &self.pool)
    }

    fn events_permission(&self) -> &'static str {
        "job.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}
