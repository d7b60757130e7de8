//! `GET /teams/{name}/quota`, `PUT /teams/{name}/quota`.

use crate::{
    api::{Answer, Call, answer, user::quota::limit},
    permission::Context,
    quota,
    store::Filter,
    team::Team,
};

/// How many apps and jobs the team may have, and has.
pub async fn show(call: Call) -> Answer {
    let name = call.var("name");
    call.permit("team.read.quota", &[Context::team(name)])?;
    let team = Team::load(&call.ctx.store, name).await?;
    answer::json(&team.quota)
}

/// A new limit.
pub async fn change(mut call: Call) -> Answer {
    let name = call.var("name");
    call.permit("team.update.quota", &[Context::team(name)])?;
    let team = Team::load(&call.ctx.store, name).await?;
    let limit = limit(&mut call).await?;
    let team = call.record("team.update.quota", team).await?;
    let changed = quota::set_limit::<Team>(&call.ctx.store, Filter::id(&team.name), limit).await;
    team.end(changed).await?;
    answer::ok()
}
