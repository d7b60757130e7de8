//! Where apps answer by routers that have to be asked: kept, so that lists of apps ask nobody. tsuru keeps it in the same place.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::LOCAL;
use crate::{
    app::list::Listed,
    error::Result,
    store::{Document, Filter, Find, Spec, Store, Update, lenient},
};

/// So many apps at least are many.
const MANY: usize = 100;

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

/// Addresses of some apps, in the order of their keys.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<Vec<Kept>>);

impl Addresses {
    /// Where the app answers by this router; nothing when nobody knows.
    pub fn of(&self, app: &str, router: &str) -> Option<&str> {
        let key = key(app, router);
        let at = self.0.binary_search_by(|kept| kept.key.cmp(&key)).ok()?;
        self.0.get(at).map(|kept| kept.value.as_str())
    }
}

/// The same documents, not only equal ones.
impl PartialEq for Addresses {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.is_empty() && other.0.is_empty())
    }
}

/// Makes what is kept.
pub async fn ensure_collection(store: &Store) -> Result<()> {
    Ok(store.of::<Kept>().ensure().await?)
}

/// What is known of these apps; without asking where they have no other router than `local`.
pub async fn known(store: &Store, apps: &[Listed]) -> Result<Addresses> {
    let others = |app: &Listed| app.routers.iter().any(|router| router.name != LOCAL);
    let apps: Vec<&Listed> = apps.iter().filter(|app| others(app)).collect();
    let filter = match apps.len() {
        0 => return Ok(Addresses::default()),
        // So many are not worth naming.
        MANY.. => Filter::All,
        _ => Filter::any_of("_id", apps.iter().flat_map(|app| app.routers.iter().map(|router| key(&app.name, &router.name)))),
    };
    let by_key = Find { sort: Some(("_id", false)), ..Find::default() };
    Ok(Addresses(store.of::<Kept>().current(filter, by_key).await?))
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
