//! Services: what brokers offer, the instances people make of them, and the apps these are bound to.

mod access;
pub mod bind;
mod bind_job;
pub mod broker;
mod change;
pub mod instance;
mod instance_change;
pub mod intent;
pub mod manifest;
pub mod proxy;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::{Context, ContextType},
    secret::{Secret, stored},
    store::{Document, Filter, Spec, Store, lenient},
};

pub use access::{grant, grant_instance, revoke, revoke_instance};
pub use bind::{bind, unbind, unbind_all};
pub use bind_job::{bind_job, unbind_job, unbind_job_all};
pub use change::{Wish, create, remove, set_doc, update};
pub use instance::Instance;
pub use instance_change::{InstanceWish, create_instance, remove_instance, unbind_apps, update_instance};
pub use manifest::Manifest;

/// A service as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Login at the broker; empty: the name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub username: String,
    /// Password at the broker, sealed.
    #[serde(default, serialize_with = "stored")]
    pub password: Secret,
    /// `production`, or a cluster's name, to the broker's address.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub endpoint: BTreeMap<String, String>,
    /// Teams that run it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub owner_teams: Vec<String>,
    /// Teams that may use it when it is restricted.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub teams: Vec<String>,
    /// How to use it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub doc: String,
    /// Only its teams may use it.
    #[serde(default)]
    pub is_restricted: bool,
    /// Its instances live in a pool.
    #[serde(default)]
    pub is_multi_cluster: bool,
    /// How the broker is spoken to: empty or `form`, `json`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub encoding: String,
    /// What can be done with instances beyond the usual, and what that is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
}

impl Document for Service {
    const SPEC: &'static Spec = &Spec { name: "services", indexes: &[], sealed: &["password"] };
}

impl Service {
    /// The service of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::id(name)).await?.or_not_found("Service not found")
    }

    /// Where permissions to use it hold, for services that not everybody may use.
    pub fn user_contexts(&self) -> Vec<Context> {
        contexts(&self.teams, &self.name)
    }
}

fn contexts(teams: &[String], service: &str) -> Vec<Context> {
    teams.iter().map(|team| Context::team(team)).chain([Context::new(ContextType::Service, service)]).collect()
}

/// Where permissions to run a service hold.
pub fn owner_contexts(owner_teams: &[String], service: &str) -> Vec<Context> {
    contexts(owner_teams, service)
}

impl Subject for Service {
    fn target(&self) -> Target {
        Target::new(TargetType::Service, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        owner_contexts(&self.owner_teams, &self.name)
    }

    fn events_permission(&self) -> &'static str {
        "service.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}
