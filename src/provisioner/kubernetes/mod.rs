//! Apps, jobs and volumes on Kubernetes, with the same objects as tsuru's server makes.

mod address;
mod client;
mod clusters;
mod exec;
mod logs;
mod not_yet;
pub mod objects;
pub mod observed;
pub mod settings;
mod spec;
pub mod unit;
mod watch;
pub mod words;
pub mod write;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Service},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, EvictParams, ListParams},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    client::{SHORT, ask, told},
    logs::{Said, Sources},
    watch::Cache,
    write::Writer,
};
pub use self::{clusters::Clusters, spec::ClusterSpec};
use super::{AppState, Apps, Census, Exec, InternalAddress, LogLine, LogQuery, Logs, Provisioner, RunRequest, Shell, ShellRequest, Unit};
use crate::{
    error::{Error, Result},
    output::Output,
};

/// How long the first look at a cluster may take.
const FIRST: Duration = Duration::from_secs(10);

/// One cluster.
pub struct Kubernetes {
    spec: ClusterSpec,
    client: Client,
    pods: Arc<Cache<Pod>>,
    deployments: Arc<Cache<Deployment>>,
    services: Arc<Cache<Service>>,
    said: Arc<Said>,
    _end: DropGuard,
}

impl Kubernetes {
    /// Begins to watch a cluster; `said` is what was said about its apps before.
    pub async fn start(spec: ClusterSpec, said: Arc<Said>) -> Result<Self> {
        let client = client::connect(&spec).await?;
        let end = CancellationToken::new();
        Ok(Self {
            pods: Cache::start(client.clone(), end.clone()),
            deployments: Cache::start(client.clone(), end.clone()),
            services: Cache::start(client.clone(), end.clone()),
            spec,
            client,
            said,
            _end: end.drop_guard(),
        })
    }

    /// The cluster as it was entered.
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    fn told(&self, e: &kube::Error) -> Error {
        told(&self.spec.name, e)
    }

    /// The app's running pods, once they are known.
    async fn running(&self, app: &str) -> Result<Vec<Arc<Pod>>> {
        if !self.pods.is_whole(FIRST).await {
            return Err(Error::unavailable(self.trouble_text()));
        }
        Ok(exec::running(self.pods.of(app)))
    }

    fn trouble_text(&self) -> String {
        let why = self.pods.trouble().or_else(|| self.deployments.trouble());
        format!("cluster {:?} does not answer: {}", self.spec.name, why.unwrap_or_else(|| "nothing is heard of it".into()))
    }

    fn sources(&self) -> Sources {
        Sources { client: self.client.clone(), pods: self.pods.clone(), said: self.said.clone() }
    }

    /// Writes to it, with this patience.
    pub fn writer(&self, patience: Duration) -> Writer<'_> {
        Writer { cluster: &self.spec.name, patience }
    }

    /// A pod of this app, by name.
    fn pod(&self, app: &str, unit: &str) -> Result<Arc<Pod>> {
        let found = self.pods.of(app).into_iter().find(|pod| pod.name_any() == unit);
        found.ok_or_else(|| Error::not_found(format!("unit {unit:?} not found")))
    }
}

/// Nothing is deployed where there is no process.
fn some(state: AppState) -> Option<AppState> {
    (!state.processes.is_empty()).then_some(state)
}

impl Provisioner for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }
}

#[async_trait]
impl Apps for Kubernetes {
    async fn apply(&self, _: AppState, _: &Output) -> Result<()> {
        Err(not_yet::error("deploys"))
    }

    async fn state(&self, app: &str) -> Result<Option<AppState>> {
        let api = Api::<Deployment>::all(self.client.clone());
        let of_app = ListParams::default().labels(&format!("tsuru.io/is-tsuru=true,tsuru.io/app-name={app}"));
        let found = ask(&self.spec.name, SHORT, || api.list(&of_app)).await.map_err(|e| self.told(&e))?;
        Ok(some(observed::state(app, &found.items)))
    }

    fn seen(&self, app: &str) -> Option<AppState> {
        let found: Vec<Deployment> = self.deployments.of(app).iter().map(|deployment| Deployment::clone(deployment)).collect();
        some(observed::state(app, &found))
    }

    fn trouble(&self, _: &str) -> Option<String> {
        let troubled = self.pods.trouble().is_some() || self.deployments.trouble().is_some();
        troubled.then(|| self.trouble_text())
    }

    async fn remove(&self, app: &str, _: &Output) -> Result<()> {
        if self.state(app).await?.is_some() {
            return Err(not_yet::error("removing apps that are deployed"));
        }
        self.said.forget(app);
        Ok(())
    }

    fn units(&self, app: &str) -> Vec<Unit> {
        self.pods.of(app).iter().filter_map(|pod| unit::of(pod)).collect()
    }

    fn census(&self) -> Census {
        let mut census = Census::default();
        self.deployments.each(|_| census.apps += 1);
        self.pods.each(|pods| {
            pods.iter().filter_map(|pod| unit::of(pod)).for_each(|unit| *census.units.entry(unit.status).or_default() += 1);
        });
        census
    }

    async fn kill_unit(&self, app: &str, unit: &str, force: bool) -> Result<()> {
        let pod = self.pod(app, unit)?;
        let api = Api::<Pod>::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
        let (deletion, eviction) = (DeleteParams::default(), EvictParams::default());
        let killed = if force {
            ask(&self.spec.name, SHORT, || api.delete(unit, &deletion)).await.map(drop)
        } else {
            ask(&self.spec.name, SHORT, || api.evict(unit, &eviction)).await.map(drop)
        };
        killed.map_err(|e| self.told(&e))
    }

    /// Routers give apps their addresses here.
    fn address(&self, _: &str) -> String {
        String::new()
    }

    /// Routers hear of host names by themselves.
    async fn set_cnames(&self, _: &str, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn cluster(&self, _: &str) -> Option<String> {
        Some(self.spec.name.clone())
    }

    fn internal_addresses(&self, app: &str) -> Vec<InternalAddress> {
        address::of(&self.services.of(app))
    }
}

#[async_trait]
impl Logs for Kubernetes {
    async fn logs(&self, query: LogQuery) -> Result<BoxStream<'static, LogLine>> {
        if !self.pods.is_whole(FIRST).await {
            return Err(Error::unavailable(self.trouble_text()));
        }
        self.sources().logs(query).await
    }

    async fn log(&self, app: &str, line: LogLine) -> Result<()> {
        self.said.add(app, line);
        Ok(())
    }
}

#[async_trait]
impl Exec for Kubernetes {
    async fn run(&self, request: RunRequest, out: &Output) -> Result<()> {
        let pods = self.running(&request.app).await?;
        if request.isolated || pods.is_empty() {
            return Err(not_yet::error("commands outside of a unit"));
        }
        for pod in pods.iter().take(if request.once { 1 } else { usize::MAX }) {
            exec::run(&self.spec.name, &self.client, pod, &request.command, out).await?;
        }
        Ok(())
    }

    async fn shell(&self, request: ShellRequest) -> Result<Shell> {
        let pods = self.running(&request.app).await?;
        let pod = match &request.unit {
            Some(unit) => pods.into_iter().find(|pod| pod.name_any() == *unit),
            None => pods.into_iter().next(),
        };
        match pod {
            Some(pod) if !request.isolated => exec::shell(&self.spec.name, &self.client, &pod, &request).await,
            _ => Err(not_yet::error("shells outside of a unit")),
        }
    }
}
