//! The steps of a version's life. Each is one atomic write, so that a crash leaves a version that says how far it came.

use std::collections::BTreeMap;

use super::{AppVersions, Version};
use crate::{
    clock::Time,
    error::{Error, Result},
    store::{Filter, Store, Update},
};

/// Takes the next number, which nothing ever gets again, and notes a version that is being made by `event`.
pub async fn make(store: &Store, app: &str, start: Version) -> Result<Version> {
    let counted = store.of::<AppVersions>().upsert(Filter::eq("appname", app), Update::inc("count", 1).and(stamp())).await?;
    let number = counted.map(|all| all.count).ok_or_else(|| Error::internal("the version counter did not count"))?;
    let now = Time::now();
    let version = Version { version: number, created_at: now, updated_at: now, ..start };
    put(store, app, &version).await?;
    Ok(version)
}

/// Notes what is known of a version by now.
pub async fn put(store: &Store, app: &str, version: &Version) -> Result<()> {
    let version = Version { updated_at: Time::now(), ..version.clone() };
    write(store, app, Update::set(path(version.version), version)).await
}

/// Sets fields of a version.
pub async fn change(store: &Store, app: &str, version: i64, fields: Update) -> Result<()> {
    let set = fields.set.into_iter().map(|(field, value)| (format!("{}.{field}", path(version)), value)).collect();
    write(store, app, Update { set, ..Update::default() }).await
}

/// It was deployed and serves.
pub async fn succeeded(store: &Store, app: &str, version: i64) -> Result<()> {
    let update = Update::set(format!("{}.deploysuccessful", path(version)), true).and_set("lastsuccessfulversion", version);
    write(store, app, update).await
}

/// Notes how many units its processes had before a stop.
pub async fn stopped(store: &Store, app: &str, version: u32, units: &BTreeMap<String, i64>) -> Result<()> {
    change(store, app, version.into(), Update::set("pastunits", units.clone())).await
}

/// Forgets a version; its number stays used.
pub async fn forget(store: &Store, app: &str, version: i64) -> Result<()> {
    write(store, app, Update::unset(path(version))).await
}

async fn write(store: &Store, app: &str, update: Update) -> Result<()> {
    store.of::<AppVersions>().update(Filter::eq("appname", app), update.and(stamp())).await?;
    Ok(())
}

fn path(version: i64) -> String {
    format!("versions.{version}")
}

/// What tsuru's own writes look for to see that the document changed.
fn stamp() -> Update {
    let r: u128 = rand::random();
    let hex = format!("{r:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    let hash = format!("{}-{}-4{}-8{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32));
    Update::set("updatedat", Time::now()).and_set("updatedhash", hash)
}
