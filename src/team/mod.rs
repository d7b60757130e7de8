//! Teams: who owns things together.

pub mod choose;
pub mod create;
pub mod members;
pub mod quota;
pub mod references;
pub mod remove;
pub mod rename;
pub mod update;

pub use choose::choose;

use serde::{Deserialize, Serialize};

use crate::{
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::Context,
    quota::Quota,
    store::{Document, Filter, Index, IndexKey, Spec, Store, lenient},
};

/// The permission that shows events about teams.
pub const EVENTS: &str = "team.read.events";

/// A team as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Team {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Who made it.
    #[serde(default, rename = "creatinguser")]
    pub creating_user: String,
    /// Tags.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tags: Vec<String>,
    /// Apps and jobs.
    #[serde(default)]
    pub quota: Quota,
    /// The name it had, while its renaming is not finished.
    #[serde(default, rename = "renamedfrom", skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
}

impl Document for Team {
    const SPEC: &'static Spec =
        &Spec { name: "teams", indexes: &[Index { keys: &[IndexKey("renamedfrom", false)], unique: false, sparse: true }], sealed: &[] };
    const OURS: &'static [&'static str] = &["renamedfrom"];
}

impl Team {
    /// The team of this name; 404 with this text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::id(name)).await?.or_not_found("team not found")
    }
}

impl Subject for Team {
    fn target(&self) -> Target {
        Target::new(TargetType::Team, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::team(&self.name)]
    }

    fn events_permission(&self) -> &'static str {
        EVENTS
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}
