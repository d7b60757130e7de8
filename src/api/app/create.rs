//! `POST /apps`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    api::{Answer, Call, answer, record::New},
    app::{
        Metadata, Process,
        create::{self, NewApp},
    },
    error::Result,
    event::{Target, TargetType},
    permission::Context,
    plan::PlanOverride,
    platform, team,
};

/// What creating and updating take.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub struct Input {
    pub(super) name: String,
    pub(super) platform: String,
    pub(super) plan: String,
    #[serde(rename = "teamowner")]
    pub(super) team_owner: String,
    pub(super) pool: String,
    pub(super) description: String,
    pub(super) router: String,
    #[serde(rename = "routeropts")]
    pub(super) router_opts: BTreeMap<String, String>,
    pub(super) tags: Vec<String>,
    #[serde(rename = "planoverride")]
    pub(super) overridden: PlanOverride,
    pub(super) metadata: Metadata,
    pub(super) processes: Vec<Process>,
}

#[derive(Serialize)]
struct Created {
    ip: String,
    status: &'static str,
}

/// Makes an app.
pub async fn create(mut call: Call) -> Answer {
    let mut input: Input = call.input().await?;
    input.tags.extend(call.inputs().await?.all("tag").map(str::to_owned));
    let caller = call.caller()?.clone();
    if input.team_owner.is_empty() {
        input.team_owner = team::choose(&call.ctx.store, &caller, "app.create").await?;
    }
    call.permit("app.create", &[Context::team(&input.team_owner)])?;
    let new = checked(&call, input).await?;
    let mut contexts = vec![Context::team(&new.team), Context::app(&new.name)];
    contexts.extend((!new.pool.is_empty()).then(|| Context::pool(&new.pool)));
    let target = Target::new(TargetType::App, &new.name);
    let lock = call.record_new("app.create", New { target, events_permission: "app.read.events", contexts }).await?;
    let made = create::create(&call.ctx, &lock, new, &caller).await;
    lock.end(made).await?;
    answer::made(&Created { ip: String::new(), status: "success" })
}

async fn checked(call: &Call, input: Input) -> Result<NewApp> {
    let caller = call.caller()?;
    let platform = async {
        match input.platform.as_str() {
            "" => Ok(Default::default()),
            asked => platform::usable(&call.ctx.store, caller, asked).await,
        }
    };
    let (platform, name) = tokio::join!(platform, create::check_name(&call.ctx, &input.name));
    let platform = platform?;
    name?;
    Ok(NewApp {
        name: input.name,
        team: input.team_owner,
        platform,
        plan: input.plan,
        pool: input.pool,
        router: input.router,
        router_opts: input.router_opts,
        description: input.description,
        tags: input.tags,
        metadata: input.metadata,
        processes: input.processes,
    })
}
