//! Blocks: what may not be done for now, and why.

use std::collections::BTreeMap;

use bson::{Bson, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::{Begin, TargetType};
use crate::{
    clock::Time,
    error::{Error, OrNotFound, Result},
    store::{Document, Filter, Find, Index, IndexKey, Spec, Store, Update, lenient},
};

/// A block as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Block {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Start.
    #[serde(rename = "starttime")]
    pub start_time: Time,
    /// End.
    #[serde(default, rename = "endtime", skip_serializing_if = "Time::is_zero")]
    pub end_time: Time,
    /// Kinds that begin with this; empty: all.
    #[serde(default, rename = "kindname")]
    pub kind: String,
    /// Events of this owner; empty: everybody's.
    #[serde(default, rename = "ownername")]
    pub owner: String,
    /// Events about this; empty: about anything.
    #[serde(default)]
    pub target: BlockTarget,
    /// Fields that the request must have; empty: any request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "lenient::or_default")]
    pub conditions: BTreeMap<String, String>,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// It holds.
    #[serde(default)]
    pub active: bool,
}

/// What is blocked. Without value: everything of the type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockTarget {
    /// Its kind, in tsuru's word.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub value: String,
}

impl BlockTarget {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Document for Block {
    const SPEC: &'static Spec = &Spec {
        name: "event_blocks",
        indexes: &[
            Index {
                keys: &[IndexKey("ownername", false), IndexKey("kindname", false), IndexKey("target", false)],
                unique: false,
                sparse: false,
            },
            Index { keys: &[IndexKey("starttime", true)], unique: false, sparse: false },
            Index { keys: &[IndexKey("active", false), IndexKey("starttime", true)], unique: false, sparse: false },
        ],
        sealed: &[],
    };
}

impl Block {
    /// True when this event may not begin.
    pub fn stops(&self, begin: &Begin) -> bool {
        let (word, value) = (begin.target.kind.word(), &begin.target.value);
        let about = self.target.is_empty() || self.target.kind == word && (self.target.value.is_empty() || self.target.value == *value);
        let by = self.owner.is_empty() || self.owner == begin.owner.name;
        begin.kind.starts_with(&self.kind) && by && about && self.conditions.iter().all(|(name, value)| asks(begin, name, value))
    }

    fn describe(&self) -> String {
        let or = |text: &str, all: &str| if text.is_empty() { all.to_owned() } else { text.to_owned() };
        let target =
            if self.target.kind.is_empty() { "all targets".to_owned() } else { format!("{}({})", self.target.kind, self.target.value) };
        let (kind, owner) = (or(&self.kind, "all actions"), or(&self.owner, "all users"));
        format!("block {kind} by {owner} on {target}: {}", self.reason)
    }
}

/// True when the request had this value in this field.
fn asks(begin: &Begin, name: &str, value: &str) -> bool {
    let Some(Bson::Array(fields)) = &begin.data else { return false };
    let has = |field: &bson::Document, key: &str, text: &str| field.get_str(key).is_ok_and(|found| found == text);
    fields.iter().filter_map(Bson::as_document).any(|field| has(field, "name", name) && has(field, "value", value))
}

/// Why this event may not begin, if it may not. What lifts blocks is never blocked.
pub(super) fn refusal(holding: &[Block], begin: &Begin) -> Option<Error> {
    if begin.target.kind == TargetType::EventBlock {
        return None;
    }
    let (kind, word, value) = (&begin.kind, begin.target.kind.word(), &begin.target.value);
    let stopping = holding.iter().find(|block| block.stops(begin))?;
    Some(Error::refused(format!("error running {kind:?} on {word}({value}): {}", stopping.describe())))
}

/// All blocks, newest first; with `active` only those that hold, or do not.
pub async fn list(store: &Store, active: Option<bool>) -> Result<Vec<Block>> {
    let filter = active.map_or(Filter::All, |active| Filter::eq("active", active));
    let newest = Find { sort: Some(("starttime", true)), ..Find::default() };
    Ok(store.of::<Block>().find_with(filter, newest).await?)
}

/// Makes a block.
pub async fn add(store: &Store, block: &Block) -> Result<()> {
    Ok(store.of::<Block>().insert(block).await?)
}

/// Lifts a block.
pub async fn lift(store: &Store, id: ObjectId) -> Result<()> {
    let holding = Filter::id(id).and(Filter::eq("active", true));
    let lifted = store.of::<Block>().update(holding, Update::set("active", false).and_set("endtime", Time::now())).await?;
    lifted.map(|_| ()).or_not_found(format!("active event block with id {} not found", id.to_hex()))
}

#[cfg(test)]
mod tests {
    use bson::bson;

    use super::*;
    use crate::event::{Allowed, Target, document::Named};

    fn block(kind: &str, owner: &str, target: (&str, &str)) -> Block {
        Block {
            id: ObjectId::new(),
            start_time: Time::now(),
            end_time: Time::zero(),
            kind: kind.into(),
            owner: owner.into(),
            target: BlockTarget { kind: target.0.into(), value: target.1.into() },
            conditions: BTreeMap::new(),
            reason: "maintenance".into(),
            active: true,
        }
    }

    fn deploy() -> Begin {
        Begin {
            target: Target::new(TargetType::App, "blog"),
            extra: vec![],
            kind: "app.deploy".into(),
            owner: Named { kind: "user".into(), name: "me@example.com".into() },
            source_ip: String::new(),
            data: Some(bson!([{"name": "origin", "value": "git"}])),
            allowed: Allowed::default(),
            allowed_cancel: None,
            locks: true,
        }
    }

    #[test]
    fn a_block_stops_what_fits_all_it_says() {
        for (kind, owner, target) in
            [("", "", ("", "")), ("app", "", ("", "")), ("app.deploy", "me@example.com", ("app", "")), ("", "", ("app", "blog"))]
        {
            assert!(block(kind, owner, target).stops(&deploy()), "{kind} {owner} {target:?}");
        }
        for (kind, owner, target) in
            [("app.create", "", ("", "")), ("", "you@example.com", ("", "")), ("", "", ("app", "other")), ("", "", ("pool", ""))]
        {
            assert!(!block(kind, owner, target).stops(&deploy()), "{kind} {owner} {target:?}");
        }
    }

    #[test]
    fn conditions_are_about_the_requests_fields() {
        let mut git = block("", "", ("", ""));
        git.conditions.insert("origin".into(), "git".into());
        assert!(git.stops(&deploy()));
        git.conditions.insert("image".into(), "x".into());
        assert!(!git.stops(&deploy()));
    }

    #[test]
    fn a_block_is_described_as_tsuru_does() {
        assert_eq!(block("", "", ("", "")).describe(), "block all actions by all users on all targets: maintenance");
        assert_eq!(block("app", "me", ("app", "blog")).describe(), "block app by me on app(blog): maintenance");
    }
}
