//! `GET /teams/{name}`.

use serde::Serialize;

use crate::{
    api::{
        Answer, Call, answer,
        app::info::{self as app_info, Info},
        pool::view::PoolView,
        user::view::{Everything, Eyes, UserView},
    },
    app::App,
    context::Context,
    error::Result,
    pool::info::{Known, usable},
    store::{Filter, Find, Store},
    team::{Team, members},
    user::User,
};

#[derive(Serialize)]
struct TeamInfo {
    apps: Vec<Info>,
    name: String,
    pools: Option<Vec<PoolView>>,
    tags: Vec<String>,
    users: Vec<UserView>,
}

/// A team with its pools, apps and, for holders of all of `team` everywhere, members.
pub async fn info(call: Call) -> Answer {
    let store = &call.ctx.store;
    let team = Team::load(store, call.var("name")).await?;
    call.permit("team.read", &[])?;
    let users = if call.caller()?.may("team", &[]) { users(store, &team.name).await? } else { Vec::new() };
    let apps = apps(&call.ctx, &team.name).await?;
    answer::json(&TeamInfo { apps, pools: pools(&call.ctx, &team.name).await?, name: team.name, tags: team.tags, users })
}

async fn users(store: &Store, team: &str) -> Result<Vec<UserView>> {
    let everything = Everything::load(store).await?;
    let members: Vec<String> = members::users(store, team).await?.into_iter().map(|member| member.name).collect();
    let users = store.of::<User>().recent(Filter::any_of("email", members), Find::default()).await?;
    Ok(users.iter().filter_map(|user| everything.user(user, Eyes::All)).collect())
}

async fn pools(ctx: &Context, team: &str) -> Result<Option<Vec<PoolView>>> {
    let known = Known::load(ctx, Vec::new()).await?;
    let pools = usable(&ctx.store, &[team.to_owned()]).await?;
    Ok((!pools.is_empty()).then(|| pools.into_iter().map(|pool| known.info(pool).into()).collect()))
}

async fn apps(ctx: &Context, team: &str) -> Result<Vec<Info>> {
    let of_team = Filter::Or(vec![Filter::eq("teams", team), Filter::eq("teamowner", team)]);
    app_info::of_all(ctx, ctx.store.of::<App>().find(of_team).await?).await
}
