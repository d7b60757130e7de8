//! Whose database it is. What tsuru's server made stays as tsuru wants it, so that both can use it and going back is possible; a
//! database that was empty when we came is ours, and secrets are sealed in it.

use bson::{Bson, Document as Doc};

use super::{Backend, Filter, Find, Result, Spec, Update};
use crate::clock::Time;

/// The collection that says that a database is ours.
pub(super) const MARK: &str = "impaas_store";

static MARKS: Spec = Spec { name: MARK, indexes: &[], sealed: &[] };
const SEALED: &str = "sealed";
const SEALING: &str = "sealing";

/// Whose a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It holds nothing yet.
    Nobody,
    /// tsuru's server made it.
    Tsuru,
    /// It was shared, and is on its way to be ours.
    Leaving,
    /// Ours, with the name of the key that seals it, if it says so.
    Us(Option<String>),
}

/// Whose this database is. Nothing is changed.
pub async fn owner(backend: &dyn Backend) -> Result<Owner> {
    let there = backend.collections().await?;
    if there.is_empty() {
        return Ok(Owner::Nobody);
    }
    if !there.iter().any(|name| name == MARK) {
        return Ok(Owner::Tsuru);
    }
    let marks = backend.find(&MARKS, &Filter::All, &Find::default()).await?;
    let mark = |id: &str| marks.iter().find(|mark| mark.get_str("_id").is_ok_and(|it| it == id));
    match (mark(SEALING), mark(SEALED)) {
        (Some(_), _) => Ok(Owner::Leaving),
        (None, sealed) => Ok(Owner::Us(sealed.and_then(|mark| mark.get_str("key").ok()).map(str::to_owned))),
    }
}

/// Notes that the database is ours, sealed with this key; the first note stays.
pub async fn claim(backend: &dyn Backend, key: &str) -> Result<()> {
    let mark = Update::default().and_set_on_insert("since", Time::now()).and_set_on_insert("key", key);
    backend.update_one(&MARKS, &Filter::id(SEALED), &mark, true).await.map(drop)
}

/// Notes that sharing is about to end: from now on nobody may serve from it until it is sealed.
pub async fn begin_leaving(backend: &dyn Backend) -> Result<()> {
    let mark = Update::default().and_set_on_insert("since", Time::now());
    backend.update_one(&MARKS, &Filter::id(SEALING), &mark, true).await.map(drop)
}

/// Notes that everything is sealed with this key.
pub async fn end_leaving(backend: &dyn Backend, key: &str) -> Result<()> {
    let mark = Update::set("key", key).and_set_on_insert("since", Time::now());
    backend.update_one(&MARKS, &Filter::id(SEALED), &mark, true).await?;
    backend.delete(&MARKS, &Filter::id(SEALING)).await.map(drop)
}

/// Forgets which key the mark names, where documents of another key came in.
pub(super) async fn forget_key(backend: &dyn Backend) -> Result<()> {
    backend.update_one(&MARKS, &Filter::id(SEALED), &Update::unset("key"), false).await.map(drop)
}

/// Numbers that tsuru's server always writes with 64 bits; all others with as few as they need.
const LONG: [&str; 7] = ["memory", "deploys", "expires", "filesize", "apikey_usage_counter", "expiresin", "activedeadlineseconds"];

/// A document as tsuru's server would write it.
pub(super) fn document(doc: Doc, ours: &[&str]) -> Doc {
    doc.into_iter().filter(|(name, _)| !ours.contains(&name.as_str())).map(|(name, value)| plain(name, value)).collect()
}

/// An update of such a document.
pub(super) fn update(mut update: Update, ours: &[&str]) -> Update {
    let theirs = |path: &String| !ours.contains(&path.split('.').next().unwrap_or_default());
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    for values in [&mut update.set, &mut update.set_on_insert, &mut update.push, &mut update.pull, &mut update.add_to_set] {
        values.retain(|(path, _)| theirs(path));
        for (path, value) in values {
            *value = plain(last(path), std::mem::replace(value, Bson::Null)).1;
        }
    }
    update.unset.retain(theirs);
    update.inc.retain(|(path, _)| theirs(path));
    update
}

fn plain(name: String, value: Bson) -> (String, Bson) {
    let value = match value {
        Bson::Int64(n) if !LONG.contains(&name.as_str()) => i32::try_from(n).map_or(Bson::Int64(n), Bson::Int32),
        Bson::Int32(n) if LONG.contains(&name.as_str()) => Bson::Int64(n.into()),
        Bson::Document(inner) => document(inner, &[]).into(),
        Bson::Array(items) => items.into_iter().map(|item| plain(String::new(), item).1).collect::<Vec<_>>().into(),
        other => other,
    };
    (name, value)
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn documents_lose_our_fields_and_numbers_are_as_wide_as_tsurus() {
        let ours = doc! {"name": "a", "fence": 4_i64, "deploys": 1_i64, "quota": {"limit": -1_i64, "inuse": 5_000_000_000_i64}, "plan": {"memory": 1}};
        let wanted = doc! {"name": "a", "deploys": 1_i64, "quota": {"limit": -1, "inuse": 5_000_000_000_i64}, "plan": {"memory": 1_i64}};
        assert_eq!(document(ours, &["fence"]), wanted);
    }

    #[test]
    fn updates_lose_our_fields() {
        let asked = Update::set("quota.limit", 3_i64).and_set("fence", 7_i64).and_inc("renewals", 1).and_unset("renamedfrom");
        let left = update(asked, &["fence", "renewals", "renamedfrom"]);
        assert_eq!(left, Update::set("quota.limit", 3_i32));
    }
}
