//! `DELETE /teams/{name}`.

use crate::{
    api::{Answer, Call, answer},
    error::{Error, OrNotFound},
    permission::Context,
    store::Filter,
    team::{self, Team},
};

/// Removes a team that has nothing any longer. Who may not remove it reads that it is not there.
pub async fn remove(mut call: Call) -> Answer {
    let name = call.var("name").to_owned();
    let absent = format!("Team \"{name}\" not found.");
    if !call.caller()?.may("team.delete", &[Context::team(&name)]) {
        return Err(Error::not_found(absent));
    }
    let team = call.ctx.store.of::<Team>().get(Filter::id(&name)).await?.or_not_found(absent)?;
    let team = call.record("team.delete", team).await?;
    let removed = team::remove::remove(&call.ctx.store, &team).await;
    team.end(removed).await?;
    answer::ok()
}
