//! `POST /teams`.

use serde::Deserialize;

use crate::{
    api::{Answer, Call, answer, record::New},
    event::{Target, TargetType},
    permission::Context,
    team,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    name: String,
    tags: Vec<String>,
}

/// Makes a team; its creator holds the roles of new teams in it.
pub async fn create(mut call: Call) -> Answer {
    call.permit("team.create", &[])?;
    let mut wanted: Wanted = call.input().await?;
    wanted.tags.extend(call.inputs().await?.all("tag").map(str::to_owned));
    let creator = call.caller()?.clone();
    let made = team::create::new(&wanted.name, &wanted.tags, &creator.email, call.ctx.config.quota)?;
    let about = New {
        target: Target::new(TargetType::Team, &made.name),
        events_permission: team::EVENTS,
        contexts: vec![Context::team(&made.name)],
    };
    let event = call.record_new("team.create", about).await?;
    let done = team::create::create(&call.ctx.store, &made, &creator).await;
    event.end(done).await?;
    answer::created()
}
