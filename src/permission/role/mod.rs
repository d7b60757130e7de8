//! Roles: named sets of permissions for one type of context.

pub mod assign;
pub mod change;
pub mod create;
pub mod place;
pub mod remove;
pub mod rename;
pub mod update;

use serde::{Deserialize, Serialize};

use super::{Context, ContextType};
use crate::{
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    store::{Document, Filter, Index, IndexKey, Spec, Store},
};

/// The permission that shows events about roles.
pub const EVENTS: &str = "role.read.events";

/// A role as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    #[serde(rename = "_id")]
    pub name: String,
    /// The type of its contexts.
    #[serde(rename = "contexttype")]
    pub context_type: ContextType,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Its permissions; `*` and the empty name are the root.
    #[serde(default, rename = "schemenames", deserialize_with = "crate::store::lenient::or_default")]
    pub scheme_names: Vec<String>,
    /// Its permissions from service manifests.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::store::lenient::or_default")]
    pub dynamic_scheme_names: Vec<String>,
    /// Events that grant it by themselves: `user-create`, `team-create`.
    #[serde(default, deserialize_with = "crate::store::lenient::or_default")]
    pub events: Vec<String>,
    /// The name it had, while its renaming is not finished.
    #[serde(default, rename = "renamedfrom", skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
}

impl Document for Role {
    const SPEC: &'static Spec =
        &Spec { name: "roles", indexes: &[Index { keys: &[IndexKey("renamedfrom", false)], unique: false, sparse: true }], sealed: &[] };
    const OURS: &'static [&'static str] = &["renamedfrom"];
}

impl Role {
    /// The role of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::id(name)).await?.or_not_found("role not found")
    }

    /// True when this event grants it by itself.
    pub fn is_given_at(&self, event: &str) -> bool {
        self.events.iter().any(|known| known == event)
    }

    /// The canonical names of its permissions; unknown ones are left out.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.scheme_names.iter().filter_map(|name| super::scheme::find(name).map(|name| name as &str))
    }
}

impl Subject for Role {
    fn target(&self) -> Target {
        Target::new(TargetType::Role, &self.name)
    }

    /// None: permissions on roles must be held everywhere.
    fn contexts(&self) -> Vec<Context> {
        Vec::new()
    }

    fn events_permission(&self) -> &'static str {
        EVENTS
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}

/// A role held in a context; the form that users, groups and team tokens store (the order of keys matters).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleInstance {
    /// The role.
    pub name: String,
    /// The context's name; empty for global roles.
    #[serde(rename = "contextvalue")]
    pub context_value: String,
}
