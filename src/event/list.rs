//! Finding events: by what they are about, and by what a caller may see.

use std::{cmp::Reverse, collections::BTreeSet};

use bson::oid::ObjectId;

use super::{Event, document::Named};
use crate::{
    clock::Time,
    error::{Error, OrNotFound, Result},
    permission::{Context, ContextType, Grants, scheme},
    store::{Filter, Find, Store, Update},
};

/// Events of an answer at most.
pub const MOST: i64 = 100;

/// Which events. Empty fields say nothing.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Type of a target, main or extra.
    pub target_type: String,
    /// Name of a target, main or extra.
    pub target_value: String,
    /// `permission` or `internal`.
    pub kind_type: String,
    /// Any of these kinds.
    pub kinds: Vec<String>,
    /// `user`, `token`, `app`, `internal`.
    pub owner_type: String,
    /// Owner.
    pub owner: String,
    /// Begun at this time or later.
    pub since: Option<Time>,
    /// Begun at this time or earlier.
    pub until: Option<Time>,
    /// Running ones, or ended ones.
    pub running: Option<bool>,
    /// Failed ones.
    pub failed: bool,
    /// How many at most.
    pub limit: i64,
    /// How many to leave out first.
    pub skip: i64,
    /// A field, with `-` for descending; empty: the newest first.
    pub sort: String,
}

/// The wanted events that a holder of these grants may see.
pub async fn list(store: &Store, wanted: &Wanted, grants: &Grants) -> Result<Vec<Event>> {
    let limit = if (1..=MOST).contains(&wanted.limit) { wanted.limit } else { MOST };
    let find = Find { sort: Some(sort(&wanted.sort)), skip: wanted.skip.max(0).unsigned_abs(), limit };
    let newest_first = find.sort == Some(NEWEST);
    let mut events = store.of::<Event>().current(filter(wanted).and(seen(grants)), find).await?.to_vec();
    if newest_first {
        // Within a millisecond the id tells which came later.
        events.sort_by_key(|event| Reverse((event.start_time, event.id)));
    }
    Ok(events)
}

/// What events can be sorted by.
const SORTS: [&str; 12] = [
    "starttime",
    "endtime",
    "lockupdatetime",
    "uniqueid",
    "target.type",
    "target.value",
    "kind.type",
    "kind.name",
    "owner.type",
    "owner.name",
    "running",
    "error",
];

const NEWEST: (&str, bool) = ("starttime", true);

fn sort(asked: &str) -> (&'static str, bool) {
    let (field, descending) = asked.strip_prefix('-').map_or((asked, false), |field| (field, true));
    let known = SORTS.iter().find(|known| known.eq_ignore_ascii_case(field));
    known.map_or(NEWEST, |known| (known, descending))
}

fn filter(wanted: &Wanted) -> Filter {
    let text = |path: &str, value: &str| if value.is_empty() { Filter::All } else { Filter::eq(path, value) };
    let about = |end: &str, value: &str| match value {
        "" => Filter::All,
        value => Filter::Or(vec![Filter::eq(format!("target.{end}"), value), Filter::eq(format!("extratargets.target.{end}"), value)]),
    };
    let kinds = if wanted.kinds.is_empty() { Filter::All } else { Filter::any_of("kind.name", &wanted.kinds) };
    about("value", &wanted.target_value)
        .and(about("type", &wanted.target_type))
        .and(text("kind.type", &wanted.kind_type))
        .and(kinds)
        .and(text("owner.type", &wanted.owner_type))
        .and(text("owner.name", &wanted.owner))
        .and(wanted.since.map_or(Filter::All, |time| Filter::gte("starttime", time)))
        .and(wanted.until.map_or(Filter::All, |time| Filter::lte("starttime", time)))
        .and(wanted.running.map_or(Filter::All, |running| Filter::eq("running", running)))
        .and(if wanted.failed { Filter::ne("error", "") } else { Filter::All })
}

/// Events whose permission is one of the held ones or below it, in a context in which it is held.
fn seen(grants: &Grants) -> Filter {
    if grants.0.iter().any(|grant| grant.permission.is_empty() && grant.context.kind == ContextType::Global) {
        return Filter::All;
    }
    let permissions: BTreeSet<&str> = grants.0.iter().map(|grant| grant.permission.as_str()).collect();
    let visible = permissions.into_iter().filter_map(|permission| {
        let schemes: Vec<&str> = schemes().filter(|scheme| scheme::covers(permission, scheme)).collect();
        let held = grants.0.iter().filter(|grant| grant.permission == permission).map(|grant| &grant.context);
        (!schemes.is_empty()).then(|| Filter::any_of("allowed.scheme", schemes).and(within(held.collect())))
    });
    Filter::Or(visible.collect())
}

/// The permissions that events ask of those who look at them. Events of roles ask for the permission to change roles.
fn schemes() -> impl Iterator<Item = &'static str> {
    scheme::all().iter().map(|(name, _)| *name).filter(|name| name.ends_with(".events") || *name == "role.update")
}

fn within(contexts: Vec<&Context>) -> Filter {
    if contexts.iter().any(|context| context.kind == ContextType::Global) {
        return Filter::All;
    }
    Filter::any_of("allowed.contexts", contexts)
}

/// The event of this id.
pub async fn find(store: &Store, id: ObjectId) -> Result<Event> {
    store.of::<Event>().get(Filter::id(id)).await?.or_not_found("event not found")
}

/// The kinds of all events so far, by type and name.
pub async fn kinds(store: &Store) -> Result<Vec<Named>> {
    let known = |name: &str| scheme::all().iter().any(|(permission, _)| *permission == name);
    let named = |name: String| Named { kind: if known(&name) { "permission" } else { "internal" }.into(), name };
    let mut found: Vec<Named> = store.of::<Event>().distinct("kind.name").await?.into_iter().map(named).collect();
    found.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    Ok(found)
}

/// Asks a running event to stop. Whoever runs it notices within a second.
pub async fn cancel(store: &Store, event: &Event, reason: &str, owner: &str) -> Result<()> {
    if !event.cancelable || !event.running {
        return Err(Error::invalid("event is not cancelable"));
    }
    let unasked = Filter::id(event.id).and(Filter::eq("running", true)).and(Filter::eq("cancelinfo.asked", false));
    let ask = Update::set("cancelinfo.owner", owner)
        .and_set("cancelinfo.reason", reason)
        .and_set("cancelinfo.starttime", Time::now())
        .and_set("cancelinfo.asked", true);
    if store.of::<Event>().update(unasked, ask).await?.is_some() {
        return Ok(());
    }
    let still = find(store, event.id).await?.running;
    Err(if still { Error::refused("event cancel already requested") } else { Error::invalid("event is not cancelable") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_unless_another_known_field_is_asked_for() {
        assert_eq!(sort(""), ("starttime", true));
        assert_eq!(sort("starttime"), ("starttime", false));
        assert_eq!(sort("-Kind.Name"), ("kind.name", true));
        assert_eq!(sort("startcustomdata.password"), ("starttime", true));
    }
}
