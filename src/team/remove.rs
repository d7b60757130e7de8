//! Removes teams.

use super::references;
use crate::{
    error::{Error, Result},
    event::Locked,
    store::{Filter, Store},
    team::Team,
    webhook,
};

/// Removes the team with its grants and tokens, unless it still has something. Grants go first: a crash in between leaves a team without
/// members, which can be removed again.
pub async fn remove(store: &Store, team: &Locked<Team>) -> Result<()> {
    unused(store, &team.name).await?;
    references::forget(store, &team.name).await?;
    // Who makes an app counts it in the team's quota first: then the team is not the one that was looked at.
    let same = Filter::id(&team.name).and(Filter::eq("quota.inuse", team.quota.in_use));
    if store.of::<Team>().delete(same).await? == 0 {
        unused(store, &team.name).await?;
        return Err(Error::refused("the team is being used right now, please try again"));
    }
    webhook::change::forget_team(store, &team.name).await?;
    references::leave_pools(store, &team.name).await?;
    references::forget(store, &team.name).await
}

async fn unused(store: &Store, team: &str) -> Result<()> {
    let lines = references::of(store, team).await?;
    if lines.is_empty() {
        return Ok(());
    }
    Err(Error::Forbidden(format!("This team cannot be removed because there are still references to it:\n{}", lines.join("\n"))))
}
