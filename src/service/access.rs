//! Who may use services and instances.

use super::{Instance, Service};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    store::Update,
    team::Team,
};

/// Lets a team use the service.
pub async fn grant(ctx: &Context, service: &mut Locked<Service>, team: &str) -> Result<()> {
    if service.teams.iter().any(|known| known == team) {
        return Err(Error::conflict("This team already has access to this service"));
    }
    let name = service.name.clone();
    service.change(&ctx.store, name, Update::add_to_set("teams", team)).await
}

/// Takes the service from a team.
pub async fn revoke(ctx: &Context, service: &mut Locked<Service>, team: &str) -> Result<()> {
    if !service.teams.iter().any(|known| known == team) {
        return Err(Error::conflict("This team does not have access to this service"));
    }
    let name = service.name.clone();
    service.change(&ctx.store, name, Update::pull("teams", team)).await
}

/// Lets a team use the instance; doing it again changes nothing.
pub async fn grant_instance(ctx: &Context, instance: &mut Locked<Instance>, team: &str) -> Result<()> {
    known_team(ctx, team).await?;
    let id = instance.id;
    instance.change(&ctx.store, id, Update::add_to_set("teams", team)).await
}

/// Takes the instance from a team that does not own it.
pub async fn revoke_instance(ctx: &Context, instance: &mut Locked<Instance>, team: &str) -> Result<()> {
    if team == instance.team_owner {
        return Err(Error::refused("cannot revoke the instance's team owner access"));
    }
    known_team(ctx, team).await?;
    let id = instance.id;
    instance.change(&ctx.store, id, Update::pull("teams", team)).await
}

async fn known_team(ctx: &Context, team: &str) -> Result<()> {
    match Team::load(&ctx.store, team).await {
        Err(Error::NotFound(text)) => Err(Error::refused(text)),
        other => other.map(drop),
    }
}
