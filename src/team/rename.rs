//! Gives a team a new name everywhere.

use super::{references, update::tidy};
use crate::{
    error::{Error, Result},
    event::Locked,
    names,
    permission::{ContextType, holder},
    store::{Filter, Store, StoreError, Update},
    team::Team,
};

/// Gives the team a new name, and everything that names it with it. The new team is stored first and says what it was: a rename that a
/// crash cut short is finished by the same request, or by the next start. Meanwhile both names work.
pub async fn rename(store: &Store, team: &Locked<Team>, new: &str, tags: Option<&[String]>) -> Result<()> {
    let new = new.trim();
    names::check_team(new)?;
    if new == team.name {
        return Err(Error::refused("team already exists"));
    }
    match store.of::<Team>().get(Filter::id(new)).await? {
        Some(there) if there.renamed_from.as_deref() == Some(&team.name) => {}
        Some(_) => return Err(Error::refused("team already exists")),
        None => insert(store, team, new, tags).await?,
    }
    finish(store, &team.name, new).await
}

async fn insert(store: &Store, team: &Team, new: &str, tags: Option<&[String]>) -> Result<()> {
    references::forget(store, new).await?;
    let heir = Team {
        name: new.into(),
        tags: tags.map_or_else(|| team.tags.clone(), tidy),
        renamed_from: Some(team.name.clone()),
        ..team.clone()
    };
    match store.of::<Team>().insert(&heir).await {
        Err(StoreError::Duplicate(_)) => Err(Error::refused("team already exists")),
        other => Ok(other?),
    }
}

/// Finishes all renames that a crash cut short.
pub async fn finish_all(store: &Store) -> Result<()> {
    finish_these(store, store.of::<Team>().find(Filter::exists("renamedfrom")).await?).await
}

/// Finishes renames to these teams that were cut short, so that their old names are free.
pub(super) async fn finish_these(store: &Store, teams: Vec<Team>) -> Result<()> {
    for team in teams {
        if let Some(old) = &team.renamed_from {
            finish(store, old, &team.name).await?;
        }
    }
    Ok(())
}

/// Every step can be repeated. Access is given under the new name before it goes from the old one.
async fn finish(store: &Store, old: &str, new: &str) -> Result<()> {
    references::join(store, old, new).await?;
    holder::rename_context(store, ContextType::Team, old, new).await?;
    store.of::<Team>().delete(Filter::id(old)).await?;
    // What was given to the old name while this ran.
    references::join(store, old, new).await?;
    holder::rename_context(store, ContextType::Team, old, new).await?;
    references::leave(store, old).await?;
    let in_use = i64::try_from(references::owned(store, new).await?).unwrap_or(i64::MAX);
    store.of::<Team>().update(Filter::id(new), Update::set("quota.inuse", in_use).and_unset("renamedfrom")).await?;
    Ok(())
}
