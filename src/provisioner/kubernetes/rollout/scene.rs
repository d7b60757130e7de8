//! Everything a rollout begins with: what is wanted, and what is there.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service, policy::v1::PodDisruptionBudget};
use kube::ResourceExt;

use super::{
    app_resource,
    plan::{self, Change, Leaving, Spots},
    site::Site,
};
use crate::{
    error::Result,
    output::Output,
    provisioner::{
        AppState, ProcessState,
        kubernetes::{
            objects::{Making, Spot, custom::Custom, google::Google, spot},
            observed,
            settings::PoolSettings,
        },
    },
};

/// What a rollout begins with.
pub struct Scene {
    /// The cluster.
    pub site: Site,
    /// What is wanted.
    pub want: AppState,
    /// Where progress is told.
    pub out: Output,
    /// The app's namespace.
    pub namespace: String,
    /// Nobody said yet that there is such an app.
    pub is_new: bool,
    /// What holds for its pool.
    pub pool: PoolSettings,
    /// Where each process of each version is.
    pub spots: Spots,
    /// The deployments that are there.
    pub deployments: Vec<Deployment>,
    /// The services that are there.
    pub services: Vec<Service>,
    /// The disruption budgets that are there.
    pub budgets: Vec<PodDisruptionBudget>,
    /// Those of Google's load balancers, where the cluster knows the kind.
    pub backend_configs: Option<Vec<Custom<Google>>>,
}

impl Scene {
    /// Looks at what is there.
    pub async fn read(site: Site, want: AppState, out: Output) -> Result<Self> {
        let known = app_resource::namespace(&site, &want.app).await?;
        let pool = site.settings.pool(&want.place.pool.name)?;
        let is_new = known.is_none();
        let namespace = known.unwrap_or_else(|| site.settings.namespace(site.server.pool_namespaces, &want.place.pool.name));
        let (deployments, services, budgets, backend_configs) = tokio::try_join!(
            site.list::<Deployment>(&namespace, &want.app),
            site.list::<Service>(&namespace, &want.app),
            site.list::<PodDisruptionBudget>(&namespace, &want.app),
            site.list_if_known(&namespace, &want.app),
        )?;
        let spots = spot::all(&want, &namespace, &observed::existing(&deployments));
        Ok(Self { site, want, out, namespace, is_new, pool, spots, deployments, services, budgets, backend_configs })
    }

    /// What the objects of each process are made from.
    pub fn makings(&self) -> Vec<Making<'_>> {
        self.want.processes.iter().filter_map(|process| self.making(process)).collect()
    }

    /// The same of one process.
    pub fn making<'a>(&'a self, process: &'a ProcessState) -> Option<Making<'a>> {
        let spot = self.spots.get(&(process.version, process.name.clone()))?;
        Some(Making { app: &self.want, process, spot, pool: &self.pool, server: &self.site.server })
    }

    /// The deployment that stands at a place.
    pub fn old(&self, spot: &Spot) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.name_any() == spot.name)
    }

    /// What each process needs, in the order in which it is done.
    pub fn steps(&self) -> Vec<(Making<'_>, Change)> {
        let change = |m: Making<'_>| plan::change(m.process, m.spot, self.old(m.spot));
        self.makings().into_iter().map(|m| (m, change(m))).collect()
    }

    /// What is not wanted any more.
    pub fn leaving(&self) -> Leaving {
        plan::leaving(&self.want, &self.spots, &self.deployments, &self.services, &self.budgets)
    }
}
