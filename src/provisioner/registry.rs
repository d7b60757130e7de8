//! All provisioners of this server, and which of them runs the apps of a pool.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
};

use futures_util::future::select_all;

use super::{
    Apps, Census, DynProvisioner, JobEnd,
    away::Away,
    kubernetes::{ClusterSpec, Clusters, settings::ServerSettings},
};
use crate::error::{Error, Result};

/// The provisioner of this machine.
pub const LOCAL: &str = "local";
/// The one of clusters.
pub const KUBERNETES: &str = "kubernetes";

/// Refuses provisioners that this server does not know; none is fine.
pub fn check(named: &str) -> Result<()> {
    if ["", LOCAL, KUBERNETES].contains(&named) { Ok(()) } else { Err(Error::NotYet(unknown(named))) }
}

fn unknown(named: &str) -> String {
    format!("provisioner {named:?} is not there yet in this server, use \"local\"")
}

/// This machine's provisioner, and the clusters.
pub struct Provisioners {
    local: DynProvisioner,
    clusters: Clusters,
    of_pools: RwLock<HashMap<String, DynProvisioner>>,
}

impl Provisioners {
    /// No cluster yet; all will go by these settings.
    pub fn new(local: DynProvisioner, server: ServerSettings) -> Self {
        Self { local, clusters: Clusters::new(server), of_pools: RwLock::default() }
    }

    /// The one of this machine.
    pub fn local(&self) -> &DynProvisioner {
        &self.local
    }

    /// What runs the apps of a pool, as far as is known at this moment: what is shown, and never a reason to wait.
    pub fn now(&self, pool: &str) -> DynProvisioner {
        let of_pools = self.of_pools.read().unwrap_or_else(PoisonError::into_inner);
        of_pools.get(pool).unwrap_or(&self.local).clone()
    }

    /// What runs the apps of a pool whose `provisioner` field says `named` and whose cluster is this.
    pub async fn of_pool(&self, named: &str, cluster: Option<&ClusterSpec>) -> DynProvisioner {
        match (named, cluster) {
            (named, _) if named == LOCAL || named == self.local.name() => self.local.clone(),
            (_, Some(spec)) => match self.clusters.get(spec).await {
                Ok(cluster) => cluster,
                Err(e) => Away::because(e.to_string()),
            },
            (KUBERNETES, None) => Away::because("no cluster"),
            // A provisioner that is no more, in a database that was taken over.
            (other, None) => Away::because(unknown(other)),
        }
    }

    /// How many apps and units there are here and in clusters.
    pub fn census(&self) -> Census {
        self.clusters.all().iter().fold(self.local.census(), |mut sum, cluster| {
            let more = cluster.census();
            sum.apps += more.apps;
            more.units.into_iter().for_each(|(status, count)| *sum.units.entry(status).or_default() += count);
            sum
        })
    }

    /// Runs of jobs that ended and were not noted yet, once there are some, and what they ran on.
    pub async fn ended_jobs(&self) -> (DynProvisioner, Vec<JobEnd>) {
        loop {
            let mut changes = self.clusters.changes();
            let clusters = self.clusters.all().into_iter().map(|cluster| cluster as DynProvisioner);
            let all = clusters.chain([self.local.clone()]).map(|each| Box::pin(async move { (each.clone(), each.ended_jobs().await) }));
            tokio::select! {
                (found, _, _) = select_all(all) => return found,
                _ = changes.changed() => {}
            }
        }
    }

    /// Takes note of all pools, each with its `provisioner` field and cluster, and forgets clusters that are no more.
    pub async fn know(&self, pools: BTreeMap<String, (String, Option<ClusterSpec>)>) {
        let mut found = HashMap::new();
        for (pool, (named, cluster)) in &pools {
            found.insert(pool.clone(), self.of_pool(named, cluster.as_ref()).await);
        }
        let names: Vec<&str> = pools.values().filter_map(|(_, cluster)| cluster.as_ref().map(|cluster| cluster.name.as_str())).collect();
        self.clusters.keep(&names);
        *self.of_pools.write().unwrap_or_else(PoisonError::into_inner) = found;
    }
}
