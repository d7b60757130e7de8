//! `GET /teams/{name}/users`, `GET /teams/{name}/groups`.

use actix_web::http::StatusCode;
use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    error::Result,
    permission::Context,
    team::{Team, members},
};

#[derive(Serialize)]
struct UserItem {
    email: String,
    roles: Vec<String>,
}

#[derive(Serialize)]
struct GroupItem {
    group: String,
    roles: Vec<String>,
}

/// Users with roles in the team.
pub async fn users(call: Call) -> Answer {
    let team = readable(&call).await?;
    let users = members::users(&call.ctx.store, &team.name).await?;
    answer::untyped_json(
        StatusCode::OK,
        &users.into_iter().map(|user| UserItem { email: user.name, roles: user.roles }).collect::<Vec<_>>(),
    )
}

/// Groups with roles in the team.
pub async fn groups(call: Call) -> Answer {
    let team = readable(&call).await?;
    let groups = members::groups(&call.ctx.store, &team.name).await?;
    answer::untyped_json(
        StatusCode::OK,
        &groups.into_iter().map(|group| GroupItem { group: group.name, roles: group.roles }).collect::<Vec<_>>(),
    )
}

async fn readable(call: &Call) -> Result<Team> {
    let team = Team::load(&call.ctx.store, call.var("name")).await?;
    call.permit("team.read", &[Context::team(&team.name)])?;
    Ok(team)
}
