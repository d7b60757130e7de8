//! Events as stored: tsuru's documents, and a few fields of ours for the lease.

use bson::{Bson, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Time,
    permission::Context,
    store::{Document, Filter, Index, IndexKey, Spec, lenient},
};

/// What kind of thing an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are tsuru's and say it all")]
pub enum TargetType {
    Global,
    App,
    Job,
    Node,
    Container,
    Pool,
    Service,
    ServiceInstance,
    Team,
    User,
    Role,
    Platform,
    Plan,
    NodeContainer,
    InstallHost,
    EventBlock,
    Cluster,
    Volume,
    Webhook,
    Gc,
    Router,
}

impl TargetType {
    /// tsuru's word.
    pub fn word(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// The thing an event is about, and what it locks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: TargetType,
    /// Its name.
    pub value: String,
}

impl Target {
    /// This kind of thing with this name.
    pub fn new(kind: TargetType, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }
}

/// Another thing an event is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtraTarget {
    /// The thing.
    pub target: Target,
    /// It is locked too.
    pub lock: bool,
}

/// A type and a name: of a kind, or of an owner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name.
    pub name: String,
}

/// Who may see or cancel an event: holders of a permission in one of the contexts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Allowed {
    /// The permission.
    #[serde(default)]
    pub scheme: String,
    /// The contexts.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub contexts: Vec<Context>,
}

/// A line of an event's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub date: Time,
    /// Text without newline.
    pub message: String,
}

/// A request to stop, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CancelInfo {
    /// Who asked.
    #[serde(default)]
    pub owner: String,
    /// When.
    #[serde(default, rename = "starttime")]
    pub start_time: Time,
    /// When it was noticed.
    #[serde(default, rename = "acktime")]
    pub ack_time: Time,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Asked for.
    #[serde(default)]
    pub asked: bool,
    /// Done.
    #[serde(default)]
    pub canceled: bool,
}

/// An event as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The same again.
    #[serde(rename = "uniqueid")]
    pub unique_id: ObjectId,
    /// The locked target while it runs; absent afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Target>,
    /// Start.
    #[serde(rename = "starttime")]
    pub start_time: Time,
    /// End.
    #[serde(default, rename = "endtime", skip_serializing_if = "Time::is_zero")]
    pub end_time: Time,
    /// The thing it is about.
    pub target: Target,
    /// Other things.
    #[serde(default, rename = "extratargets", skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub extra_targets: Vec<ExtraTarget>,
    /// What was asked for, secrets masked.
    #[serde(default, rename = "startcustomdata", skip_serializing_if = "Option::is_none", deserialize_with = "super::mask::any")]
    pub start_data: Option<Bson>,
    /// What came out.
    #[serde(default, rename = "endcustomdata", skip_serializing_if = "Option::is_none", deserialize_with = "super::mask::any")]
    pub end_data: Option<Bson>,
    /// More.
    #[serde(default, rename = "othercustomdata", skip_serializing_if = "Option::is_none", deserialize_with = "super::mask::any")]
    pub other_data: Option<Bson>,
    /// `permission` and its name, or `internal` and a name.
    pub kind: Named,
    /// Who.
    pub owner: Named,
    /// From where.
    #[serde(default, rename = "sourceip")]
    pub source_ip: String,
    /// Last renewal.
    #[serde(default, rename = "lockupdatetime")]
    pub lock_update_time: Time,
    /// Why it failed; empty: it did not.
    #[serde(default)]
    pub error: String,
    /// The log, once ended; while running it grows in `event_logs`.
    #[serde(default, rename = "structuredlog", skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub log: Vec<LogEntry>,
    /// Cancelling.
    #[serde(default, rename = "cancelinfo")]
    pub cancel_info: CancelInfo,
    /// It can be cancelled.
    #[serde(default)]
    pub cancelable: bool,
    /// It runs.
    #[serde(default)]
    pub running: bool,
    /// Who may see it.
    #[serde(default)]
    pub allowed: Allowed,
    /// Who may cancel it.
    #[serde(default, rename = "allowedcancel")]
    pub allowed_cancel: Allowed,
    /// It ended, and webhooks have not been looked for yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unheard: bool,
    /// The server that runs it, in a database that tsuru's server uses too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Instance>,
    /// How often the lease was renewed.
    #[serde(default, deserialize_with = "lenient::int")]
    pub renewals: i64,
}

/// A server, in the words of tsuru's tracker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instance {
    /// Host name.
    #[serde(rename = "_id", deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Port.
    #[serde(deserialize_with = "lenient::or_default")]
    pub port: String,
    /// Port with TLS.
    #[serde(rename = "tlsport", deserialize_with = "lenient::or_default")]
    pub tls_port: String,
    /// Addresses.
    #[serde(deserialize_with = "lenient::or_default")]
    pub addresses: Vec<String>,
    /// When this was last true.
    #[serde(rename = "lastupdate")]
    pub last_update: Time,
}

impl Instance {
    /// This server.
    pub fn here() -> Self {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        Self { name, last_update: Time::now(), ..Self::default() }
    }
}

const fn index(keys: &'static [IndexKey]) -> Index {
    Index { keys, unique: false, sparse: false }
}

impl Document for Event {
    const SPEC: &'static Spec = &Spec {
        name: "events",
        indexes: &[
            Index { keys: &[IndexKey("lock", false)], unique: true, sparse: true },
            index(&[IndexKey("owner.name", false)]),
            index(&[IndexKey("target.value", false)]),
            index(&[IndexKey("extratargets.target.value", false)]),
            index(&[IndexKey("kind.name", false)]),
            index(&[IndexKey("starttime", true)]),
            index(&[IndexKey("uniqueid", false)]),
            index(&[IndexKey("running", false)]),
            Index { keys: &[IndexKey("unheard", false)], unique: false, sparse: true },
            index(&[IndexKey("allowed.scheme", false)]),
            index(&[IndexKey("target.value", false), IndexKey("kind.name", false), IndexKey("starttime", true)]),
            index(&[IndexKey("target.value", false), IndexKey("starttime", true)]),
            index(&[IndexKey("extratargets.target.value", false), IndexKey("starttime", true)]),
        ],
        sealed: &[],
    };
    const OURS: &'static [&'static str] = &["renewals", "unheard"];
}

impl Event {
    /// The event while it runs: nobody but its holder ends it before its lease does.
    pub(super) fn while_running(id: ObjectId) -> Filter {
        Filter::id(id).and(Filter::eq("running", true))
    }
}

/// The counter that fences come from.
#[derive(Debug, Serialize, Deserialize)]
pub struct Counter {
    /// Its name.
    #[serde(rename = "_id")]
    pub name: String,
    /// The last number given.
    #[serde(deserialize_with = "lenient::int")]
    pub value: i64,
}

impl Document for Counter {
    const SPEC: &'static Spec = &Spec { name: "impaas_counters", indexes: &[], sealed: &[] };
}
