//! `PUT /services/{service}/instances/{instance}`

use serde::Deserialize;
use serde_json::{Map, Value};

use super::discreet;
use crate::{
    api::{Answer, Call, answer, record::Recording, service::through},
    error::{Error, Result},
    event::Subject,
    service::{self, Instance, InstanceWish, Service},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    description: String,
    plan: String,
    teamowner: String,
    tags: Option<Vec<String>>,
    parameters: Option<Map<String, Value>>,
}

/// Replaces everything but name, service and pool: what is left out becomes empty.
pub async fn update(mut call: Call) -> Answer {
    let mut input: Input = call.input().await?;
    let more: Vec<String> = call.inputs().await?.all("tag").map(str::to_owned).collect();
    if !more.is_empty() {
        input.tags.get_or_insert_default().extend(more);
    }
    Service::load(&call.ctx.store, call.var("service")).await?;
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    let changes = changes(&instance, &input);
    let Some(first) = changes.first() else {
        let text = "Neither description, team owner, tags, plan nor plan parameters were set. You must define at least one.";
        return Err(Error::invalid(text));
    };
    permit(&call, &instance, &changes)?;
    let recording = discreet(&mut call, Recording::of(first).as_kind("service-instance.update")).await?;
    let locked = call.record(recording, instance).await?;
    if let Err(e) = permit(&call, &locked, &self::changes(&locked, &input)) {
        return locked.end(Err(e)).await;
    }
    through(&call.ctx, locked, |ctx, mut locked| async move {
        let done = service::update_instance(&ctx, &mut locked, input.into()).await;
        (locked, done)
    })
    .await?;
    answer::ok()
}

fn permit(call: &Call, instance: &Instance, permissions: &[&'static str]) -> Result<()> {
    permissions.iter().try_for_each(|permission| call.permit(permission, &instance.contexts()))
}

/// The permission for each field that differs. As in tsuru, a list that was not sent differs from an empty one.
fn changes(instance: &Instance, input: &Input) -> Vec<&'static str> {
    let all = [
        (instance.description != input.description, "service-instance.update.description"),
        (instance.team_owner != input.teamowner, "service-instance.update.teamowner"),
        (instance.plan != input.plan, "service-instance.update.plan"),
        (input.tags.as_ref() != Some(&instance.tags), "service-instance.update.tags"),
        (input.parameters.as_ref() != Some(&instance.parameters), "service-instance.update.parameters"),
    ];
    all.into_iter().filter(|(differs, _)| *differs).map(|(_, permission)| permission).collect()
}

impl From<Input> for InstanceWish {
    fn from(input: Input) -> Self {
        Self {
            plan: input.plan,
            team_owner: input.teamowner,
            description: input.description,
            tags: input.tags.unwrap_or_default(),
            parameters: input.parameters.unwrap_or_default(),
            ..Self::default()
        }
    }
}
