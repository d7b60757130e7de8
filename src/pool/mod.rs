//! Pools: where apps run, and what may run there.

pub mod change;
mod choose;
pub mod constraint;
pub mod info;
pub mod limit;
pub mod names;

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::Context,
    store::{Document, Filter, Index, IndexKey, Spec, Store, lenient},
};

pub use choose::choose;

const MISSING: &str = "Pool does not exist.";

/// A pool as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Apps without pool land here.
    #[serde(default)]
    pub default: bool,
    /// Provisioner.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub provisioner: String,
    /// Labels.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub labels: BTreeMap<String, String>,
}

impl Document for Pool {
    const SPEC: &'static Spec = &Spec { name: "pool", indexes: &[], sealed: &[] };
}

impl Pool {
    /// The pool of this name, as it was at most a second ago; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        let pools = store.of::<Self>().all().await?;
        pools.iter().find(|pool| pool.name == name).cloned().or_not_found(MISSING)
    }
}

impl Subject for Pool {
    fn target(&self) -> Target {
        Target::new(TargetType::Pool, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::pool(&self.name)]
    }

    fn events_permission(&self) -> &'static str {
        "pool.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        store.of::<Self>().get(Filter::id(&self.name)).await?.or_not_found(MISSING)
    }
}

/// What pools that an expression matches may use of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Pool name with `*`.
    #[serde(rename = "poolexpr")]
    pub pool_expr: String,
    /// team, router, service, plan, volume-plan, cert-issuer.
    pub field: String,
    /// Names with `*`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub values: Vec<String>,
    /// All but these.
    #[serde(default)]
    pub blacklist: bool,
}

impl Document for Constraint {
    const SPEC: &'static Spec = &Spec {
        name: "pool_constraints",
        indexes: &[Index { keys: &[IndexKey("poolexpr", false), IndexKey("field", false)], unique: true, sparse: false }],
        sealed: &[],
    };
}
