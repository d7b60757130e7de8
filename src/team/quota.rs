//! Apps and jobs count against the quota of their team and, when a user made them, of the user.

use super::Team;
use crate::{
    error::{Error, Result},
    quota::{self, Quota},
    store::{Filter, Store},
    user::User,
};

/// One more for both, or for none; `exceeded` says that a quota is used up.
pub async fn reserve(store: &Store, team: &str, user: Option<&str>, exceeded: fn(Option<Quota>) -> Error) -> Result<()> {
    let by_user = async {
        match user {
            Some(email) => quota::reserve::<User>(store, of_user(email)).await,
            None => Ok(true),
        }
    };
    let (of_team, by_user) = tokio::join!(quota::reserve::<Team>(store, Filter::id(team)), by_user);
    match (&of_team, &by_user) {
        (Ok(true), Ok(true)) => return Ok(()),
        (Ok(true), _) => quota::release::<Team>(store, Filter::id(team)).await?,
        (_, Ok(true)) => release_user(store, user).await?,
        _ => {}
    }
    if !of_team? {
        let team = store.of::<Team>().get(Filter::id(team)).await?;
        return Err(exceeded(team.map(|team| team.quota)));
    }
    by_user?;
    let user = store.of::<User>().get(of_user(user.unwrap_or_default())).await?;
    Err(exceeded(user.map(|user| user.quota)))
}

/// One less.
pub async fn release(store: &Store, team: &str, user: Option<&str>) -> Result<()> {
    release_user(store, user).await?;
    Ok(quota::release::<Team>(store, Filter::id(team)).await?)
}

async fn release_user(store: &Store, user: Option<&str>) -> Result<()> {
    if let Some(email) = user {
        quota::release::<User>(store, of_user(email)).await?;
    }
    Ok(())
}

fn of_user(email: &str) -> Filter {
    Filter::eq("email", email)
}
