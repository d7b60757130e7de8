//! Webhooks: calls that a team wants to be made when its events end.
//!
//! An event's end and the note that webhooks have to hear of it are one write. [`spread`] makes a delivery of each event for each webhook
//! that wants it, [`work`] makes the calls; both go on where a crash cut them, on any server.

pub mod change;
mod check;
mod delivery;
pub mod filter;
mod payload;
mod send;
pub mod sign;
mod spread;
pub mod template;
pub mod work;

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::Context,
    secret::Secret,
    store::{Document, Filter, Index, IndexKey, Spec, Store, lenient},
};

pub use delivery::Delivery;
pub use filter::EventFilter;
pub use sign::SigningKey;

/// A webhook as stored. Where it goes to, and what with, may hold secrets of the receiver.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Name.
    pub name: String,
    /// Free text.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub description: String,
    /// The team whose events it hears of.
    #[serde(default, rename = "teamowner", deserialize_with = "lenient::or_default")]
    pub team_owner: String,
    /// Which of them.
    #[serde(default, rename = "eventfilter")]
    pub event_filter: EventFilter,
    /// What is called.
    #[serde(default, serialize_with = "crate::secret::stored")]
    pub url: Secret,
    /// Through this proxy; empty: directly.
    #[serde(default, rename = "proxyurl", serialize_with = "crate::secret::stored")]
    pub proxy_url: Secret,
    /// Headers of the call.
    #[serde(default, serialize_with = "headers", deserialize_with = "read_headers")]
    pub headers: Headers,
    /// Method; empty: POST.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub method: String,
    /// Template of the body; empty: the event as JSON.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub body: String,
    /// The receiver's certificate is not looked at.
    #[serde(default)]
    pub insecure: bool,
}

/// Values by name.
pub type Headers = BTreeMap<String, Vec<Secret>>;

fn headers<S: Serializer>(headers: &Headers, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(headers.iter().map(|(name, values)| (name, values.iter().map(Secret::expose).collect::<Vec<_>>())))
}

fn read_headers<'de, D: Deserializer<'de>>(from: D) -> Result<Headers, D::Error> {
    let read: Option<BTreeMap<String, Option<Vec<Secret>>>> = Option::deserialize(from)?;
    Ok(read.unwrap_or_default().into_iter().map(|(name, values)| (name, values.unwrap_or_default())).collect())
}

impl Document for Webhook {
    const SPEC: &'static Spec = &Spec {
        name: "webhook",
        indexes: &[Index { keys: &[IndexKey("name", false)], unique: true, sparse: false }],
        sealed: &["url", "proxyurl", "headers.*.*"],
    };
}

impl Webhook {
    /// The webhook of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::eq("name", name)).await?.or_not_found("webhook not found")
    }
}

impl Subject for Webhook {
    fn target(&self) -> Target {
        Target::new(TargetType::Webhook, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::team(&self.team_owner)]
    }

    fn events_permission(&self) -> &'static str {
        "webhook.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}
