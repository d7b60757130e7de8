//! Instances of services.

use std::sync::Arc;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::{Context, ContextType},
    store::{Document, Filter, Find, Index, IndexKey, Spec, Store, lenient},
};

/// An instance as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Name, unique within its service.
    pub name: String,
    /// Its service.
    pub service_name: String,
    /// Its plan at the broker.
    #[serde(default, rename = "plan_name", deserialize_with = "lenient::or_default")]
    pub plan: String,
    /// Apps it is bound to.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub apps: Vec<String>,
    /// Jobs it is bound to.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub jobs: Vec<String>,
    /// Teams with access.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub teams: Vec<String>,
    /// The team that owns it.
    #[serde(default, rename = "teamowner")]
    pub team_owner: String,
    /// Free text.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub description: String,
    /// Tags.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tags: Vec<String>,
    /// What the broker was told besides.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub parameters: Map<String, Value>,
    /// Its pool, when its service is one of clusters.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub pool: String,
}

impl Document for Instance {
    const SPEC: &'static Spec = &Spec {
        name: "service_instances",
        indexes: &[
            Index { keys: &[IndexKey("service_name", false), IndexKey("name", false)], unique: false, sparse: false },
            Index { keys: &[IndexKey("apps", false)], unique: false, sparse: false },
        ],
        sealed: &[],
    };
}

/// The one document of an instance.
pub fn named(service: &str, instance: &str) -> Filter {
    Filter::eq("service_name", service).and(Filter::eq("name", instance))
}

/// The event target of an instance.
pub fn target(service: &str, instance: &str) -> Target {
    Target::new(TargetType::ServiceInstance, format!("{service}/{instance}"))
}

/// Where permissions on an instance hold.
pub fn contexts(service: &str, instance: &str, teams: &[String]) -> Vec<Context> {
    let own = Context::new(ContextType::ServiceInstance, format!("{service}/{instance}"));
    teams.iter().map(|team| Context::team(team)).chain([own]).collect()
}

impl Instance {
    /// The instance of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, service: &str, name: &str) -> Result<Self> {
        store.of::<Self>().get(named(service, name)).await?.or_not_found("service instance not found")
    }

    /// The instances that an app is bound to.
    pub async fn of_app(store: &Store, app: &str) -> Result<Vec<Self>> {
        Ok(store.of::<Self>().find(Filter::eq("apps", app)).await?)
    }

    /// The instances that any of these apps is bound to, for showing: see [`crate::store::Collection::recent`].
    pub async fn shown_of(store: &Store, apps: &[&str]) -> Result<Arc<Vec<Self>>> {
        Ok(store.of::<Self>().recent(Filter::any_of("apps", apps), Find::default()).await?)
    }

    /// The instances that a job is bound to.
    pub async fn of_job(store: &Store, job: &str) -> Result<Vec<Self>> {
        Ok(store.of::<Self>().find(Filter::eq("jobs", job)).await?)
    }

    /// The same, for showing: see [`crate::store::Collection::recent`].
    pub async fn shown_of_job(store: &Store, job: &str) -> Result<Arc<Vec<Self>>> {
        Ok(store.of::<Self>().recent(Filter::eq("jobs", job), Find::default()).await?)
    }

    /// Where permissions to bind it hold: here the instance goes by its bare name too.
    pub fn bind_contexts(&self) -> Vec<Context> {
        let mut all = self.contexts();
        all.push(Context::team(&self.team_owner));
        all.push(Context::new(ContextType::ServiceInstance, &self.name));
        all
    }
}

impl Subject for Instance {
    fn target(&self) -> Target {
        target(&self.service_name, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        contexts(&self.service_name, &self.name, &self.teams)
    }

    fn events_permission(&self) -> &'static str {
        "service-instance.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.service_name, &self.name).await
    }
}
