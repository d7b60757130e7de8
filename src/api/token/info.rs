//! `GET /tokens`, `GET /tokens/{token_id}`.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    auth::{Caller, team_token::TeamToken},
    error::Result,
    event::Subject,
    permission::{ContextType, Role, role::assign::check_use},
    store::{Filter, Store},
};

/// A team token as clients read it.
#[derive(Serialize)]
pub struct TokenView {
    token: String,
    token_id: String,
    description: String,
    created_at: String,
    expires_at: String,
    last_access: String,
    creator_email: String,
    team: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<RoleOf>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RoleOf {
    name: String,
    context_value: String,
}

/// All roles, for looking at tokens.
pub struct Roles(Arc<Vec<Role>>);

impl Roles {
    /// As they are now.
    pub async fn load(store: &Store) -> Result<Self> {
        Ok(Self(store.of::<Role>().all().await?))
    }

    /// The token as this caller may see it: the token itself only when the caller holds everything that it holds.
    pub fn view(&self, token: TeamToken, caller: &Caller) -> TokenView {
        let usable = token.roles.iter().all(|held| {
            let role = self.0.iter().find(|role| role.name == held.name);
            role.is_none_or(|role| check_use(caller, role, &held.context_value).is_ok())
        });
        TokenView {
            token: if usable { token.token.expose().into() } else { String::new() },
            token_id: token.token_id,
            description: token.description,
            created_at: token.created_at.rfc3339(),
            expires_at: token.expires_at.rfc3339(),
            last_access: token.last_access.rfc3339(),
            creator_email: token.creator_email,
            team: token.team,
            roles: token.roles.into_iter().map(|held| RoleOf { name: held.name, context_value: held.context_value }).collect(),
        }
    }
}

/// The tokens of the teams in which the caller may read them.
pub async fn list(call: Call) -> Answer {
    let (store, caller) = (&call.ctx.store, call.caller()?);
    let readable = match caller.grants.names("team.token.read", ContextType::Team) {
        None => Filter::All,
        Some(teams) => Filter::any_of("team", teams),
    };
    let roles = Roles::load(store).await?;
    let tokens = store.of::<TeamToken>().find(readable).await?;
    answer::json_list(&tokens.into_iter().map(|token| roles.view(token, caller)).collect::<Vec<_>>())
}

/// One token.
pub async fn info(call: Call) -> Answer {
    let token = TeamToken::load(&call.ctx.store, call.var("token_id")).await?;
    call.permit("team.token.read", &token.contexts())?;
    answer::json(&Roles::load(&call.ctx.store).await?.view(token, call.caller()?))
}
