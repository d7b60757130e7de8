//! Counts apps and jobs anew. A crash between a reservation and the thing it was for leaves a number that is too high.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::App;
use crate::{
    error::Result,
    quota::Quota,
    store::{Document, Filter, Spec, Store, Update},
    team::Team,
    user::User,
};

/// What counts for a quota, whatever else it is.
#[derive(Serialize, Deserialize)]
struct Owned {
    #[serde(default)]
    teamowner: String,
    #[serde(default)]
    owner: String,
}

/// The same of a job.
#[derive(Serialize, Deserialize)]
struct OwnedJob(Owned);

impl Document for Owned {
    const SPEC: &'static Spec = &Spec { name: App::SPEC.name, indexes: App::SPEC.indexes, sealed: &[] };
}

impl Document for OwnedJob {
    const SPEC: &'static Spec = &Spec { name: "jobs", indexes: &[], sealed: &[] };
}

/// Corrects what teams and users have in use. Only for a server that nobody calls yet.
pub async fn quotas(store: &Store) -> Result<()> {
    let mut things = store.of::<Owned>().find(Filter::All).await?;
    things.extend(store.of::<OwnedJob>().find(Filter::All).await?.into_iter().map(|job| job.0));
    let (mut teams, mut users) = (BTreeMap::new(), BTreeMap::new());
    for thing in things {
        *teams.entry(thing.teamowner).or_insert(0) += 1;
        *users.entry(thing.owner).or_insert(0) += 1;
    }
    for team in store.of::<Team>().find(Filter::All).await? {
        correct::<Team>(store, Filter::id(&team.name), team.quota, teams.get(&team.name)).await?;
    }
    for user in store.of::<User>().find(Filter::All).await? {
        correct::<User>(store, Filter::id(user.id), user.quota, users.get(&user.email)).await?;
    }
    Ok(())
}

async fn correct<T: Document>(store: &Store, owner: Filter, known: Quota, counted: Option<&i64>) -> Result<()> {
    let counted = counted.copied().unwrap_or(0);
    if known.in_use != counted {
        store.of::<T>().update(owner, Update::set("quota.inuse", counted)).await?;
    }
    Ok(())
}
