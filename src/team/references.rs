//! What refers to a team: things it owns, things it has access to.

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    auth::team_token::TeamToken,
    error::Result,
    permission::{ContextType, holder},
    pool::Constraint,
    store::{Document, Filter, Spec, Store, Update},
};

/// The team that owns a thing.
const OWNER: &str = "teamowner";
/// The teams with access to a thing.
const TEAMS: &str = "teams";

/// Declares what this room needs to know of collections that have rooms of their own.
macro_rules! referring {
    ($($doc:ident $collection:literal $(, $field:ident $key:literal)*;)*) => {$(
        #[derive(Serialize, Deserialize)]
        struct $doc { $(#[serde(rename = $key)] $field: String,)* }

        impl Document for $doc {
            const SPEC: &'static Spec = &Spec { name: $collection, indexes: &[], sealed: &[] };
        }
    )*};
}

referring! {
    Job "jobs", name "name";
    Service "services", name "_id";
    Instance "service_instances", name "name", service "service_name";
    Volume "volumes", name "_id";
    Webhook "webhook";
}

/// A line for each kind of thing that would be left without the team; empty when nothing would.
pub async fn of(store: &Store, team: &str) -> Result<Vec<String>> {
    let owned = || Filter::eq(OWNER, team);
    let used = || Filter::Or(vec![owned(), Filter::eq(TEAMS, team)]);
    let apps = store.of::<App>().find(used()).await?.into_iter().map(|app| app.name).collect();
    let instances = store.of::<Instance>().find(used()).await?;
    let instances = instances.into_iter().map(|instance| format!("{}/{}", instance.service, instance.name)).collect();
    let jobs = store.of::<Job>().find(owned()).await?.into_iter().map(|job| job.name).collect();
    let services = store.of::<Service>().find(Filter::eq("owner_teams", team)).await?.into_iter().map(|service| service.name).collect();
    let volumes = store.of::<Volume>().find(owned()).await?.into_iter().map(|volume| volume.name).collect();
    let all: [(&str, Vec<String>); 5] =
        [("Apps", apps), ("Service instances", instances), ("Jobs", jobs), ("Services", services), ("Volumes", volumes)];
    Ok(all.into_iter().filter(|(_, names)| !names.is_empty()).map(|(kind, names)| format!("{kind}: {}", names.join(", "))).collect())
}

/// Everything of `old` is also, or only, `new`'s: owners change, and who has access to things is both until [`leave`].
pub async fn join(store: &Store, old: &str, new: &str) -> Result<()> {
    add::<App>(store, TEAMS, old, new).await?;
    add::<Instance>(store, TEAMS, old, new).await?;
    add::<Service>(store, TEAMS, old, new).await?;
    add::<Service>(store, "owner_teams", old, new).await?;
    let of_teams = Filter::eq("field", "team").and(Filter::eq("values", old));
    store.of::<Constraint>().update_many(of_teams, Update::add_to_set("values", new)).await?;
    own::<App>(store, OWNER, old, new).await?;
    own::<Instance>(store, OWNER, old, new).await?;
    own::<Job>(store, OWNER, old, new).await?;
    own::<Volume>(store, OWNER, old, new).await?;
    own::<Webhook>(store, OWNER, old, new).await?;
    own::<TeamToken>(store, "team", old, new).await
}

/// Nothing names `old` any longer among those with access.
pub async fn leave(store: &Store, old: &str) -> Result<()> {
    drop_from::<App>(store, TEAMS, old).await?;
    drop_from::<Instance>(store, TEAMS, old).await?;
    drop_from::<Service>(store, TEAMS, old).await?;
    drop_from::<Service>(store, "owner_teams", old).await?;
    let of_teams = Filter::eq("field", "team").and(Filter::eq("values", old));
    store.of::<Constraint>().update_many(of_teams, Update::pull("values", old)).await?;
    Ok(())
}

/// No pool lets a team in because one of its name was let in before. Who is kept out stays out.
pub async fn leave_pools(store: &Store, team: &str) -> Result<()> {
    let let_in = Filter::eq("field", "team").and(Filter::eq("values", team)).and(Filter::ne("blacklist", true));
    store.of::<Constraint>().update_many(let_in, Update::pull("values", team)).await?;
    Ok(())
}

/// Grants in the team and tokens of it are no more.
pub(super) async fn forget(store: &Store, team: &str) -> Result<()> {
    holder::forget_context(store, ContextType::Team, team).await?;
    store.of::<TeamToken>().delete(Filter::eq("team", team)).await?;
    Ok(())
}

/// How many apps and jobs the team owns.
pub async fn owned(store: &Store, team: &str) -> Result<u64> {
    let owned = || Filter::eq(OWNER, team);
    Ok(store.of::<App>().count(owned()).await? + store.of::<Job>().count(owned()).await?)
}

async fn add<T: Document>(store: &Store, list: &str, old: &str, new: &str) -> Result<()> {
    store.of::<T>().update_many(Filter::eq(list, old), Update::add_to_set(list, new)).await?;
    Ok(())
}

async fn drop_from<T: Document>(store: &Store, list: &str, old: &str) -> Result<()> {
    store.of::<T>().update_many(Filter::eq(list, old), Update::pull(list, old)).await?;
    Ok(())
}

async fn own<T: Document>(store: &Store, field: &str, old: &str, new: &str) -> Result<()> {
    store.of::<T>().update_many(Filter::eq(field, old), Update::set(field, new)).await?;
    Ok(())
}
