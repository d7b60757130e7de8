//! `POST /jobs`.

use actix_web::{HttpResponse, http::StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Answer, Call, record::New},
    app::Metadata,
    error::{Error, Result},
    job::{
        self, Container, DeployOptions,
        create::{self, NewJob},
    },
    permission::Context,
    team,
};

/// What creating and updating take.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub struct Input {
    pub(super) name: String,
    #[serde(rename = "teamowner")]
    pub(super) team_owner: String,
    pub(super) plan: String,
    pub(super) description: String,
    pub(super) pool: String,
    pub(super) metadata: Metadata,
    pub(super) tags: Vec<String>,
    #[serde(rename = "deployoptions")]
    pub(super) deploy_options: Option<DeployOptions>,
    pub(super) container: ContainerInput,
    pub(super) schedule: String,
    pub(super) manual: bool,
    #[serde(rename = "activedeadlineseconds")]
    pub(super) active_deadline_seconds: Option<i64>,
    #[serde(rename = "concurrencypolicy")]
    pub(super) concurrency_policy: Option<String>,
}

/// What a job runs, as sent: the server's own image name is not for clients to say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerInput {
    #[serde(alias = "originalimagesrc")]
    image: String,
    command: Vec<String>,
}

impl From<ContainerInput> for Container {
    fn from(input: ContainerInput) -> Self {
        Self { internal_registry_image: String::new(), image: input.image, command: input.command }
    }
}

impl Input {
    /// 409 for two answers to the question when.
    pub(super) fn check(&self) -> Result<()> {
        if self.manual && !self.schedule.is_empty() {
            return Err(Error::conflict("you can't set schedule and manual job at the same time"));
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Created<'a> {
    #[serde(rename = "jobName")]
    job_name: &'a str,
    status: &'static str,
}

/// Makes a job.
pub async fn create(mut call: Call) -> Answer {
    let mut input: Input = call.input().await?;
    input.check()?;
    let caller = call.caller()?.clone();
    if input.team_owner.is_empty() {
        input.team_owner = team::choose(&call.ctx.store, &caller, "job.create").await?;
    }
    call.permit("job.create", &[Context::team(&input.team_owner)])?;
    create::check_name(&call.ctx, &input.name).await?;
    let (target, contexts) = (job::target(&input.name), job::contexts(&input.team_owner, &input.name, &input.pool));
    let new = New { target, events_permission: "job.read.events", contexts };
    let lock = call.record_new(crate::api::record::Recording::of("job.create").cancelable(), new).await?;
    let name = input.name.clone();
    let made = create::create(&call.ctx, &lock, wanted(input), &caller).await;
    lock.end(made).await?;
    short_json(StatusCode::CREATED, &Created { job_name: &name, status: "success" })
}

fn wanted(input: Input) -> NewJob {
    NewJob {
        name: input.name,
        team: input.team_owner,
        plan: input.plan,
        pool: input.pool,
        description: input.description,
        tags: input.tags,
        metadata: input.metadata,
        deploy_options: input.deploy_options,
        container: input.container.into(),
        schedule: input.schedule,
        manual: input.manual,
        active_deadline_seconds: input.active_deadline_seconds,
        concurrency_policy: input.concurrency_policy,
    }
}

/// JSON without a newline, as tsuru has it here.
pub(super) fn short_json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_string(value).map_err(Error::internal)?;
    Ok(HttpResponse::build(status).content_type("application/json").body(body))
}
