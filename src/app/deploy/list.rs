//! Past deploys: events of kind `app.deploy`, seen by those who may see deploys of the app as it is today.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bson::{Bson, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, list::FIELDS, version::AppVersions},
    auth::Caller,
    error::{OrNotFound, Result},
    event::Event,
    store::{Document, Filter, Find, Spec, Store},
};

const PERMISSION: &str = "app.read.deploy";
/// So many are listed when the caller does not say.
const LIMIT: i64 = 100;

/// Which part of the list.
#[derive(Debug, Default)]
pub struct Window {
    /// Only of this app; empty: of all.
    pub app: String,
    /// How many to leave out.
    pub skip: u64,
    /// How many at most; 0: the usual number.
    pub limit: i64,
}

/// A deploy and what can be done with it.
#[derive(Debug)]
pub struct Deploy {
    /// Its event.
    pub event: Event,
    /// People can go back to it.
    pub can_rollback: bool,
}

/// An app's identity, without reading its secrets.
#[derive(Debug, Serialize, Deserialize)]
struct Name {
    #[serde(rename = "_id")]
    id: ObjectId,
    name: String,
}

impl Document for Name {
    const SPEC: &'static Spec = &Spec { name: App::SPEC.name, indexes: App::SPEC.indexes, sealed: &[] };
}

/// Deploys that the caller may see, newest first.
pub async fn list(store: &Store, caller: &Caller, window: &Window) -> Result<Vec<Deploy>> {
    let Some(visible) = visible(store, caller, &window.app).await? else { return Ok(Vec::new()) };
    let limit = if window.limit > 0 { window.limit } else { LIMIT };
    let find = Find { sort: Some(("starttime", true)), skip: window.skip, limit };
    let kind = Filter::eq("kind.name", "app.deploy").and(Filter::eq("target.type", "app"));
    let events = store.of::<Event>().find_with(visible.and(kind), find).await?;
    let images = images(store, &events).await?;
    let with_image = |event: Event| Deploy { can_rollback: image(&event).is_some_and(|image| images.contains(image)), event };
    Ok(events.into_iter().map(with_image).collect())
}

/// One deploy; 404 when it is unknown or not for this caller.
pub async fn get(store: &Store, caller: &Caller, id: ObjectId) -> Result<Event> {
    let kind = Filter::eq("kind.name", "app.deploy").and(Filter::eq("target.type", "app"));
    let event = store.of::<Event>().get(Filter::id(id).and(kind)).await?.or_not_found("Deploy not found.")?;
    let app = store.of::<App>().get(Filter::eq("name", &event.target.value)).await?.or_not_found("App not found")?;
    let contexts = crate::event::Subject::contexts(&app);
    let seen = caller.may(PERMISSION, &contexts) && event.id >= app.id;
    seen.then_some(event).or_not_found("Deploy not found.")
}

/// The image that came out of a deploy.
pub fn image(event: &Event) -> Option<&str> {
    let Some(Bson::Document(end)) = &event.end_data else { return None };
    end.get_str("image").ok().filter(|image| !image.is_empty())
}

/// Which events the caller may see; `None`: none at all. Events of an app that was removed are not those of a later one of its name.
async fn visible(store: &Store, caller: &Caller, app: &str) -> Result<Option<Filter>> {
    let Some(of_contexts) = caller.grants.filter(PERMISSION, &FIELDS) else { return Ok(None) };
    if of_contexts == Filter::All && app.is_empty() {
        return Ok(Some(Filter::All));
    }
    let named = if app.is_empty() { Filter::All } else { Filter::eq("name", app) };
    let found: BTreeMap<String, ObjectId> =
        store.of::<Name>().recent(named.and(of_contexts), Find::default()).await?.iter().map(|app| (app.name.clone(), app.id)).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let own = found.iter().map(|(name, id)| Filter::eq("target.value", name).and(Filter::gte("_id", id))).collect();
    Ok(Some(Filter::any_of("target.value", found.keys()).and(Filter::Or(own))))
}

/// Images that can be gone back to, of all the apps in these events.
async fn images(store: &Store, events: &[Event]) -> Result<HashSet<String>> {
    let apps: BTreeSet<&str> = events.iter().map(|event| event.target.value.as_str()).collect();
    if apps.is_empty() {
        return Ok(HashSet::new());
    }
    let versions = store.of::<AppVersions>().recent(Filter::any_of("appname", apps), Find::default()).await?;
    let all = versions.iter().flat_map(|of_app| of_app.versions.values());
    Ok(all.filter(|version| version.can_rollback()).map(|version| version.deploy_image.clone()).collect())
}
