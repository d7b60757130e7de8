//! Roles: named sets of permissions for one type of context.

use serde::{Deserialize, Serialize};

use super::ContextType;
use crate::store::{Document, Spec};

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
}

impl Document for Role {
    const SPEC: &'static Spec = &Spec { name: "roles", indexes: &[], sealed: &[] };
}

impl Role {
    /// The canonical names of its permissions; unknown ones are left out.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.scheme_names.iter().filter_map(|name| super::scheme::find(name).map(|name| name as &str))
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
