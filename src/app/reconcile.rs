//! What a start of the server puts right after a crash: quotas that were taken for something that was never made, host names that the
//! router did not hear of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::App;
use crate::{
    context::Context,
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

/// Puts everything right. Only for a server that nobody calls yet.
pub async fn reconcile(ctx: &Context) -> Result<()> {
    quotas(&ctx.store).await?;
    host_names(ctx).await
}

async fn host_names(ctx: &Context) -> Result<()> {
    for app in ctx.store.of::<App>().find(Filter::All).await? {
        let known = ctx.provisioners.local().state(&app.name).await?;
        if known.is_some_and(|state| state.cnames != app.cname) {
            ctx.provisioners.local().set_cnames(&app.name, &app.cname).await?;
        }
    }
    Ok(())
}

/// Corrects what teams and users have in use.
async fn quotas(store: &Store) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bson::doc;

    use super::*;
    use crate::store::{Sealer, sqlite::Sqlite};

    #[tokio::test]
    async fn what_is_in_use_is_counted_from_apps_and_jobs() {
        let store = Store::new(Arc::new(Sqlite::in_memory().unwrap()), Sealer::clear());
        let quota = Quota { limit: 5, in_use: 4 };
        for name in ["demo", "none"] {
            let team = Team { name: name.into(), creating_user: String::new(), tags: vec![], quota, renamed_from: None };
            store.of::<Team>().insert(&team).await.unwrap();
        }
        store.of::<User>().insert(&User::new("a@b.co", String::new(), quota)).await.unwrap();
        let thing = |name: &str| doc! { "name": name, "teamowner": "demo", "owner": "a@b.co" };
        store.backend().insert(Owned::SPEC, thing("hello")).await.unwrap();
        store.backend().insert(OwnedJob::SPEC, thing("job")).await.unwrap();
        quotas(&store).await.unwrap();
        let in_use = |team: Option<Team>| team.unwrap().quota;
        let demo = in_use(store.of::<Team>().get(Filter::id("demo")).await.unwrap());
        let none = in_use(store.of::<Team>().get(Filter::id("none")).await.unwrap());
        let user = store.of::<User>().get(Filter::All).await.unwrap().unwrap().quota;
        assert_eq!((demo.in_use, none.in_use, user.in_use), (2, 0, 2));
        assert_eq!(demo.limit, 5);
    }
}
