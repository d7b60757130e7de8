//! `POST` and `DELETE /pools/{name}/team`: the old way to say which teams may use a pool.

use crate::{
    api::{Answer, Call, answer},
    error::Error,
    permission::Context,
    pool::{Pool, change},
};

/// Gives the pool to teams.
pub async fn add(mut call: Call) -> Answer {
    call.permit("pool.update.team.add", &[Context::pool(call.var("name"))])?;
    let teams = owned(call.inputs().await?.all("team"));
    if teams.is_empty() {
        return Err(Error::invalid("You must provide the team."));
    }
    let pool = Pool::load(&call.ctx.store, call.var("name")).await?;
    let pool = call.record("pool.update.team.add", pool).await?;
    let done = change::add_teams(&call.ctx.store, &pool, &teams).await;
    pool.end(done).await?;
    answer::ok()
}

/// Takes the pool away from teams.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("pool.update.team.remove", &[Context::pool(call.var("name"))])?;
    let teams = owned(call.query.all("team"));
    if teams.is_empty() {
        return Err(Error::invalid("You must provide the team"));
    }
    let pool = Pool::load(&call.ctx.store, call.var("name")).await?;
    let pool = call.record("pool.update.team.remove", pool).await?;
    let done = change::remove_teams(&call.ctx.store, &pool, &teams).await;
    pool.end(done).await?;
    answer::ok()
}

fn owned<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    texts.map(str::to_owned).collect()
}
