//! Makes teams.

use super::{references, rename, update::tidy};
use crate::{
    auth::{Caller, CallerKind},
    config::Quotas,
    error::{Error, Result},
    names,
    permission::{ContextType, Role, role::RoleInstance},
    quota::Quota,
    store::{Filter, Store, StoreError, Update},
    team::Team,
    user::User,
};

/// Whoever makes a team holds the roles of this event in it.
pub const EVENT: &str = "team-create";

/// The team as it will be stored; 400 for a name that will not do.
pub fn new(name: &str, tags: &[String], creator: &str, quotas: Quotas) -> Result<Team> {
    let name = name.trim();
    names::check_team(name)?;
    Ok(Team {
        name: name.into(),
        creating_user: creator.into(),
        tags: tidy(tags),
        quota: quotas.apps_per_team.map_or_else(Quota::unlimited, Quota::limited),
        renamed_from: None,
    })
}

/// Makes the team under its event's lock. The creator's roles come first: of a crash in between they are left without a team, and
/// whoever makes the team later forgets them. Nothing that an earlier team of this name left comes back with it.
pub async fn create(store: &Store, team: &Team, creator: &Caller) -> Result<()> {
    let taken = || Error::conflict("team already exists");
    let in_the_way = Filter::Or(vec![Filter::id(&team.name), Filter::eq("renamedfrom", &team.name)]);
    let found = store.of::<Team>().find(in_the_way).await?;
    if found.iter().any(|known| known.name == team.name) {
        return Err(taken());
    }
    rename::finish_these(store, found).await?;
    references::forget(store, &team.name).await?;
    if creator.kind == CallerKind::User {
        grant(store, &creator.email, &team.name).await?;
    }
    match store.of::<Team>().insert(team).await {
        Err(StoreError::Duplicate(_)) => Err(taken()),
        other => Ok(other?),
    }
}

async fn grant(store: &Store, email: &str, team: &str) -> Result<()> {
    let roles = store.of::<Role>().all().await?;
    let given = roles.iter().filter(|role| role.context_type == ContextType::Team && role.is_given_at(EVENT));
    let held = given.map(|role| RoleInstance { name: role.name.clone(), context_value: team.into() });
    let update = held.fold(Update::default(), |update, role| update.and(Update::add_to_set("roles", role)));
    if !update.is_empty() {
        store.of::<User>().update(Filter::eq("email", email), update).await?;
    }
    Ok(())
}
