//! Apps: their documents, and where permissions on them hold.

pub mod access;
pub mod autoscale;
pub mod certificate;
pub mod cname;
pub mod create;
pub mod deploy;
pub mod env;
pub mod image;
pub mod intended;
pub mod journal;
pub mod list;
pub mod metadata;
pub mod plan;
pub mod process;
pub mod quota;
pub mod reconcile;
pub mod remove;
pub mod rollout;
pub mod router;
pub mod run;
pub mod update;
pub mod version;
pub mod wanted;
pub mod written;

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    build::tsuru_yaml::{Healthcheck, Startupcheck},
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::Context,
    plan::Plan,
    quota::Quota,
    secret::{Secret, stored},
    store::{Document, Filter, Index, IndexKey, Spec, Store, lenient},
};

/// An app as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Name.
    pub name: String,
    /// Its own variables by name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub env: BTreeMap<String, EnvVar>,
    /// Variables of bound services.
    #[serde(default, rename = "serviceenvs", deserialize_with = "lenient::or_default")]
    pub service_envs: Vec<ServiceEnvVar>,
    /// Platform; empty: none, it is deployed from images.
    #[serde(default, rename = "framework", deserialize_with = "lenient::or_default")]
    pub platform: String,
    /// `latest`, empty, or `v3`.
    #[serde(default, rename = "platformversion", deserialize_with = "lenient::or_default")]
    pub platform_version: String,
    /// Host names of its own.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cname: Vec<String>,
    /// Host name to certificate issuer (dots as `_dot_`).
    #[serde(default, rename = "certissuers", deserialize_with = "lenient::or_default")]
    pub cert_issuers: BTreeMap<String, String>,
    /// Teams with access.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub teams: Vec<String>,
    /// The team that owns it.
    #[serde(default, rename = "teamowner")]
    pub team_owner: String,
    /// E-mail of the creator.
    #[serde(default)]
    pub owner: String,
    /// Its plan, copied at creation and update.
    #[serde(default)]
    pub plan: Plan,
    /// The next deploy pulls the platform anew.
    #[serde(default, rename = "updateplatform")]
    pub update_platform: bool,
    /// Pool.
    #[serde(default)]
    pub pool: String,
    /// Free text.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub description: String,
    /// Deploys so far.
    #[serde(default, deserialize_with = "lenient::int")]
    pub deploys: i64,
    /// Tags.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tags: Vec<String>,
    /// Why it is broken; empty: it is not.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub error: String,
    /// Routers.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub routers: Vec<AppRouter>,
    /// The router in the words of tsuru's first servers; its newer ones still write the empty text.
    #[serde(default, rename = "router", deserialize_with = "lenient::or_default")]
    pub old_router: String,
    /// Its options.
    #[serde(default, rename = "routeropts", deserialize_with = "lenient::or_default")]
    pub old_router_opts: BTreeMap<String, String>,
    /// What tsuru's servers write and no longer use.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uuid: String,
    /// Labels and annotations.
    #[serde(default)]
    pub metadata: Metadata,
    /// Plans and metadata of single processes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub processes: Vec<Process>,
    /// Units.
    #[serde(default)]
    pub quota: Quota,
    /// The event that wrote last.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "is_zero")]
    pub fence: i64,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// A variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvVar {
    /// Name.
    pub name: String,
    /// Value, sealed.
    #[serde(serialize_with = "stored")]
    pub value: Secret,
    /// Takes the value of this other variable.
    #[serde(deserialize_with = "lenient::or_default")]
    pub alias: String,
    /// Clients may show the value.
    pub public: bool,
    /// Who manages it: empty, or a tool's name.
    #[serde(rename = "managedby", deserialize_with = "lenient::or_default")]
    pub managed_by: String,
}

/// A variable of a bound service instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceEnvVar {
    /// The variable.
    #[serde(flatten)]
    pub var: EnvVar,
    /// Service.
    #[serde(rename = "servicename")]
    pub service: String,
    /// Instance.
    #[serde(rename = "instancename")]
    pub instance: String,
}

/// A router that the app is reached by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppRouter {
    /// Router.
    pub name: String,
    /// Options.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub opts: BTreeMap<String, String>,
}

/// Labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Labels.
    #[serde(deserialize_with = "lenient::or_default")]
    pub labels: Vec<MetadataItem>,
    /// Annotations.
    #[serde(deserialize_with = "lenient::or_default")]
    pub annotations: Vec<MetadataItem>,
}

/// A name and its value; `delete` only travels in requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetadataItem {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Remove it.
    #[serde(skip_serializing)]
    pub delete: bool,
}

/// What is special about one process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Process.
    pub name: String,
    /// Its own plan; empty: the app's.
    pub plan: String,
    /// Labels and annotations.
    pub metadata: Metadata,
    /// Health check.
    pub healthcheck: Option<Healthcheck>,
    /// Startup check.
    pub startupcheck: Option<Startupcheck>,
}

impl Metadata {
    /// Labels by name.
    pub fn labels(&self) -> BTreeMap<String, String> {
        by_name(&self.labels)
    }

    /// Annotations by name.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        by_name(&self.annotations)
    }
}

fn by_name(items: &[MetadataItem]) -> BTreeMap<String, String> {
    items.iter().map(|item| (item.name.clone(), item.value.clone())).collect()
}

impl Document for App {
    const SPEC: &'static Spec = &Spec {
        name: "apps",
        indexes: &[Index { keys: &[IndexKey("name", false)], unique: true, sparse: false }],
        sealed: &["env.*.value", "serviceenvs.*.value"],
    };
    const OURS: &'static [&'static str] = &["fence"];
}

impl App {
    /// The app of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::eq("name", name)).await?.or_not_found(format!("App {name} not found."))
    }
}

impl Subject for App {
    fn target(&self) -> Target {
        Target::new(TargetType::App, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        let teams = self.teams.iter().map(|team| Context::team(team));
        teams.chain([Context::app(&self.name), Context::pool(&self.pool)]).collect()
    }

    fn events_permission(&self) -> &'static str {
        "app.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}
