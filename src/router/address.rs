//! Where apps answer by routers that have to be asked: kept, so that lists of apps ask nobody. tsuru keeps it in the same place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LOCAL;
use crate::{
    app::list::Listed,
    error::Result,
    store::{Document, Filter, Find, Spec, Store, Update, lenient},
};

/// An address as stored.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "_id")]
    key: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    value: String,
}

impl Document for Kept {
    const SPEC: &'static Spec = &Spec { name: "cache", indexes: &[], sealed: &[] };
}

fn key(app: &str, router: &str) -> String {
    ["app-router-addr", app, router].join("\0")
}

/// Addresses of some apps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Addresses(BTreeMap<String, String>);

impl Addresses {
    /// Where the app answers by this router; nothing when nobody knows.
    pub fn of(&self, app: &str, router: &str) -> Option<&str> {
        self.0.get(&key(app, router)).map(String::as_str)
    }
}

/// Makes what is kept.
pub async fn ensure_collection(store: &Store) -> Result<()> {
    Ok(store.of::<Kept>().ensure().await?)
}

/// What is known of these apps; without asking where they have no other router than `local`.
pub async fn known(store: &Store, apps: &[Listed]) -> Result<Addresses> {
    let others =
        |app: &Listed| app.routers.iter().filter(|router| router.name != LOCAL).map(|router| key(&app.name, &router.name)).collect();
    let keys: Vec<String> = apps.iter().flat_map(|app| -> Vec<String> { others(app) }).collect();
    if keys.is_empty() {
        return Ok(Addresses::default());
    }
    let kept = store.of::<Kept>().current(Filter::any_of("_id", keys), Find::default()).await?;
    Ok(Addresses(kept.iter().map(|kept| (kept.key.clone(), kept.value.clone())).collect()))
}

/// Keeps an address that a router told.
pub async fn keep(store: &Store, app: &str, router: &str, address: &str) -> Result<()> {
    let (kept, id) = (store.of::<Kept>(), || Filter::id(key(app, router)));
    if address.is_empty() || kept.get(id()).await?.is_some_and(|kept| kept.value == address) {
        return Ok(());
    }
    kept.upsert(id(), Update::set("value", address)).await?;
    Ok(())
}

/// Forgets where an app answered.
pub async fn forget(store: &Store, app: &str, router: &str) -> Result<()> {
    store.of::<Kept>().delete(Filter::id(key(app, router))).await?;
    Ok(())
}
