//! `POST /tokens`, `PUT /tokens/{token_id}`, `DELETE /tokens/{token_id}`.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::info::Roles;
use crate::{
    api::{Answer, Call, answer, record::New},
    auth::team_token::{self, Change, NewToken, TeamToken},
    event::{Subject, Target, TargetType},
    permission::Context,
    team,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    token_id: String,
    description: String,
    expires_in: i64,
    team: String,
}

/// Makes a token of a team.
pub async fn create(mut call: Call) -> Answer {
    let mut wanted: Wanted = call.input().await?;
    if wanted.team.is_empty() {
        wanted.team = team::choose(&call.ctx.store, call.caller()?, "team.token.create").await?;
    }
    let contexts = vec![Context::team(&wanted.team)];
    call.permit("team.token.create", &contexts)?;
    let about = New { target: Target::new(TargetType::Team, &wanted.team), events_permission: team::EVENTS, contexts };
    let creator = call.caller()?.email.clone();
    let event = call.record_new("team.token.create", about).await?;
    let new = NewToken { id: wanted.token_id, description: wanted.description, expires_in: wanted.expires_in, team: wanted.team, creator };
    let made = team_token::create(&call.ctx.store, new).await;
    let token = event.end(made).await?;
    answer::untyped_json(StatusCode::CREATED, &Roles::load(&call.ctx.store).await?.view(token, call.caller()?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Update {
    regenerate: bool,
    description: String,
    expires_in: i64,
}

/// Changes a token's text or end, or makes it anew.
pub async fn update(mut call: Call) -> Answer {
    let wanted: Update = call.input().await?;
    let token = TeamToken::load(&call.ctx.store, call.var("token_id")).await?;
    call.permit("team.token.update", &token.contexts())?;
    let token = call.record("team.token.update", token).await?;
    let change = Change { regenerate: wanted.regenerate, description: wanted.description, expires_in: wanted.expires_in };
    let changed = team_token::change(&call.ctx.store, &token, change).await;
    let changed = token.end(changed).await?;
    answer::untyped_json(StatusCode::OK, &Roles::load(&call.ctx.store).await?.view(changed, call.caller()?))
}

/// Removes a token that owns no apps.
pub async fn remove(mut call: Call) -> Answer {
    let token = TeamToken::load(&call.ctx.store, call.var("token_id")).await?;
    call.permit("team.token.delete", &token.contexts())?;
    let token = call.record("team.token.delete", token).await?;
    let removed = team_token::remove(&call.ctx.store, &token).await;
    token.end(removed).await?;
    answer::ok()
}
