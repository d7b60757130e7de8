//! Volumes: storage that outlives units, and where apps see it.

mod bind;
mod change;
pub mod plan;

use std::{
    collections::BTreeMap,
    path::{Component, Path},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{OrNotFound, Result},
    event::{Subject, Target, TargetType},
    permission::{Context, ContextType},
    provisioner::VolumePlace,
    store::{Document, Filter, Index, IndexKey, Spec, Store, lenient},
};

pub use bind::{Undo, bind, binds_of_app, mounts, places, restart, shown_of, unbind, unbind_all};
pub use change::{Wish, check_plan, create, remove, update};

/// A volume as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Pool.
    #[serde(default)]
    pub pool: String,
    /// Its plan, copied when it was made.
    #[serde(default)]
    pub plan: Plan,
    /// The team that owns it.
    #[serde(default, rename = "teamowner")]
    pub team_owner: String,
    /// Unused.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub status: String,
    /// Options of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "lenient::or_default")]
    pub opts: BTreeMap<String, String>,
}

/// A plan's name and options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Name.
    pub name: String,
    /// Options.
    #[serde(deserialize_with = "lenient::or_default")]
    pub opts: Map<String, Value>,
}

/// An app's place for a volume, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bind {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: BindId,
    /// The app may not write.
    #[serde(default, rename = "readonly")]
    pub read_only: bool,
}

/// What a bind is found by. The order of the fields counts: tsuru compares them as one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindId {
    /// App.
    pub app: String,
    /// Where the app sees it.
    #[serde(rename = "mountpoint")]
    pub mount_point: String,
    /// Volume.
    pub volume: String,
}

impl Document for Volume {
    const SPEC: &'static Spec = &Spec { name: "volumes", indexes: &[], sealed: &[] };
}

impl Document for Bind {
    const SPEC: &'static Spec = &Spec {
        name: "volume_binds",
        indexes: &[
            Index { keys: &[IndexKey("_id.app", false)], unique: false, sparse: false },
            Index { keys: &[IndexKey("_id.volume", false)], unique: false, sparse: false },
        ],
        sealed: &[],
    };
}

impl Volume {
    /// The volume of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::id(name)).await?.or_not_found("volume not found")
    }

    /// What a cluster wants to know of it; `binds` may be those of others too.
    pub fn place(&self, binds: &[Bind]) -> VolumePlace {
        let own = binds.iter().filter(|bind| bind.id.volume == self.name);
        VolumePlace {
            name: self.name.clone(),
            pool: self.pool.clone(),
            plan: self.plan.name.clone(),
            team: self.team_owner.clone(),
            plan_opts: self.plan.opts.clone(),
            opts: self.opts.clone(),
            apps: own.map(|bind| bind.id.app.clone()).collect(),
        }
    }

    /// Its binds.
    pub async fn binds(&self, store: &Store) -> Result<Vec<Bind>> {
        Ok(store.of::<Bind>().find(Filter::eq("_id.volume", &self.name)).await?)
    }
}

impl Subject for Volume {
    fn target(&self) -> Target {
        Target::new(TargetType::Volume, &self.name)
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::new(ContextType::Volume, &self.name), Context::team(&self.team_owner), Context::pool(&self.pool)]
    }

    fn events_permission(&self) -> &'static str {
        "volume.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}

/// True for a place that a volume can have in an app: absolute, plain, not the root.
fn is_mount_point(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.next() == Some(Component::RootDir)
        && parts.clone().next().is_some()
        && parts.all(|part| matches!(part, Component::Normal(_)))
        && !path.contains(|c: char| c.is_control() || c == ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_absolute_and_plain() {
        for good in ["/uploads", "/data/a b", "/var//x/", "/home/application/current/media"] {
            assert!(is_mount_point(good), "{good}");
        }
        for bad in ["", "/", "uploads", "/a/../b", "./a", "/..", "/a\n", "/a:ro"] {
            assert!(!is_mount_point(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_bind_is_stored_with_its_id_in_order() {
        let id = BindId { app: "a".into(), mount_point: "/m".into(), volume: "v".into() };
        let doc = bson::serialize_to_document(&Bind { id, read_only: true }).unwrap();
        assert_eq!(doc, bson::doc! {"_id": {"app": "a", "mountpoint": "/m", "volume": "v"}, "readonly": true});
    }
}
