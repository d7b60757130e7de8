//! How an operation changes a document: a subset of MongoDB's update operators with their meaning.

use bson::Bson;
use serde::Serialize;

use super::exact::bson as to_bson;

/// Changes applied together, in one atomic step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// `$set`.
    pub set: Vec<(String, Bson)>,
    /// `$setOnInsert`: only when an upsert makes the document.
    pub set_on_insert: Vec<(String, Bson)>,
    /// `$unset`.
    pub unset: Vec<String>,
    /// `$inc`.
    pub inc: Vec<(String, i64)>,
    /// `$push`.
    pub push: Vec<(String, Bson)>,
    /// `$addToSet`.
    pub add_to_set: Vec<(String, Bson)>,
    /// `$pull` of elements equal to the value.
    pub pull: Vec<(String, Bson)>,
}

impl Update {
    /// Sets `path`.
    pub fn set(path: impl Into<String>, value: impl Serialize) -> Self {
        Self::default().and_set(path, value)
    }

    /// Removes `path`.
    pub fn unset(path: impl Into<String>) -> Self {
        Self::default().and_unset(path)
    }

    /// Adds `by` to the number at `path`.
    pub fn inc(path: impl Into<String>, by: i64) -> Self {
        Self::default().and_inc(path, by)
    }

    /// Appends to the array at `path`.
    pub fn push(path: impl Into<String>, value: impl Serialize) -> Self {
        Self { push: vec![(path.into(), to_bson(&value))], ..Self::default() }
    }

    /// Appends to the array at `path` unless it is there.
    pub fn add_to_set(path: impl Into<String>, value: impl Serialize) -> Self {
        Self { add_to_set: vec![(path.into(), to_bson(&value))], ..Self::default() }
    }

    /// Removes equal elements from the array at `path`.
    pub fn pull(path: impl Into<String>, value: impl Serialize) -> Self {
        Self { pull: vec![(path.into(), to_bson(&value))], ..Self::default() }
    }

    /// Also sets `path`.
    #[must_use]
    pub fn and_set(mut self, path: impl Into<String>, value: impl Serialize) -> Self {
        self.set.push((path.into(), to_bson(&value)));
        self
    }

    /// Also sets `path` when the document is made.
    #[must_use]
    pub fn and_set_on_insert(mut self, path: impl Into<String>, value: impl Serialize) -> Self {
        self.set_on_insert.push((path.into(), to_bson(&value)));
        self
    }

    /// Also removes `path`.
    #[must_use]
    pub fn and_unset(mut self, path: impl Into<String>) -> Self {
        self.unset.push(path.into());
        self
    }

    /// Also adds to the number at `path`.
    #[must_use]
    pub fn and_inc(mut self, path: impl Into<String>, by: i64) -> Self {
        self.inc.push((path.into(), by));
        self
    }

    /// All of `other` too.
    #[must_use]
    pub fn and(mut self, other: Update) -> Self {
        self.set.extend(other.set);
        self.set_on_insert.extend(other.set_on_insert);
        self.unset.extend(other.unset);
        self.inc.extend(other.inc);
        self.push.extend(other.push);
        self.add_to_set.extend(other.add_to_set);
        self.pull.extend(other.pull);
        self
    }

    /// True when it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
