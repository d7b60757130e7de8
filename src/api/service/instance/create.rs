//! `POST /services/{service}/instances`

use serde::Deserialize;
use serde_json::{Map, Value};

use super::discreet;
use crate::{
    api::{
        Answer, Call, answer,
        record::{New, Recording},
        service::{only_team, through},
    },
    error::Result,
    permission::Context,
    service::{self, InstanceWish, Service, instance},
};

const AMBIGUOUS: &str = "You must provide a team to execute this action.";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    name: String,
    plan_name: String,
    team_owner: String,
    description: String,
    tags: Vec<String>,
    parameters: Map<String, Value>,
    pool: String,
}

/// Makes an instance.
pub async fn create(mut call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("service")).await?;
    let mut wish = read(&mut call).await?;
    if wish.team_owner.is_empty() {
        wish.team_owner = only_team(&call, "service-instance.create", AMBIGUOUS)?;
    }
    call.permit("service-instance.create", &[Context::team(&wish.team_owner)])?;
    if service.is_restricted {
        call.permit("service.read", &service.user_contexts())?;
    }
    let new = New {
        target: instance::target(&service.name, &wish.name),
        events_permission: "service-instance.read.events",
        contexts: instance::contexts(&service.name, &wish.name, &[]),
    };
    let recording = discreet(&mut call, Recording::of("service-instance.create")).await?;
    let lock = call.record_new(recording, new).await?;
    through(&call.ctx, lock, |ctx, lock| async move {
        let done = service::create_instance(&ctx, &lock, &service, wish).await;
        (lock, done)
    })
    .await?;
    answer::created()
}

/// Old clients say `plan` and `owner`; forms name the fields in Go's way too.
async fn read(call: &mut Call) -> Result<InstanceWish> {
    let input: Input = call.input().await?;
    let is_form = !call.is_json();
    let inputs = call.inputs().await?;
    let first = |own: String, names: &[&str]| {
        let said = names.iter().map(|name| inputs.text(name)).find(|text| !text.is_empty());
        if own.is_empty() { said.unwrap_or_default().to_owned() } else { own }
    };
    let form_names = |names: &'static [&'static str]| if is_form { names } else { names.get(..1).unwrap_or_default() };
    Ok(InstanceWish {
        name: input.name,
        plan: first(input.plan_name, form_names(&["plan", "PlanName", "planname"])),
        team_owner: first(input.team_owner, form_names(&["owner", "TeamOwner", "teamowner"])),
        description: input.description,
        tags: input.tags.into_iter().chain(inputs.all("tag").map(str::to_owned)).collect(),
        parameters: input.parameters,
        pool: input.pool,
    })
}
