//! `PUT /teams/{name}`, `POST /teams/{name}`.

use serde::Deserialize;

use crate::{
    api::{Answer, Call, answer, record::Recording},
    event::{Locked, Target, TargetType},
    permission::Context,
    team::{self, Team},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    newname: String,
    tags: Option<Vec<String>>,
}

/// Renames a team, or replaces its tags.
pub async fn update(mut call: Call) -> Answer {
    let wanted = take(&mut call).await?;
    let name = call.var("name");
    call.permit("team.update", &[Context::team(name)])?;
    let team = Team::load(&call.ctx.store, name).await?;
    let mut recording = Recording::of("team.update");
    if !wanted.newname.is_empty() {
        recording = recording.and_lock(Target::new(TargetType::Team, wanted.newname.trim()));
    }
    let mut team = call.record(recording, team).await?;
    let changed = apply(&call, &mut team, &wanted).await;
    team.end(changed).await?;
    answer::ok()
}

async fn take(call: &mut Call) -> crate::error::Result<Wanted> {
    let mut wanted: Wanted = call.input().await?;
    let single: Vec<String> = call.inputs().await?.all("tag").map(str::to_owned).collect();
    if !single.is_empty() {
        wanted.tags.get_or_insert_default().extend(single);
    }
    Ok(wanted)
}

async fn apply(call: &Call, team: &mut Locked<Team>, wanted: &Wanted) -> crate::error::Result<()> {
    let store = &call.ctx.store;
    if wanted.newname.is_empty() {
        return team::update::tags(store, team, wanted.tags.as_deref().unwrap_or_default()).await;
    }
    team::rename::rename(store, team, &wanted.newname, wanted.tags.as_deref()).await
}
