//! Apps, jobs and volumes on Kubernetes, with the same objects as tsuru's server makes.

mod address;
mod apps;
mod beside;
pub mod build;
mod client;
mod clusters;
mod debugger;
mod exec;
mod held;
mod isolation;
mod jobs;
mod kept;
mod logs;
mod metrics;
pub mod objects;
pub mod observed;
mod of_app;
mod pod_log;
mod rollout;
mod route;
mod scale;
pub mod settings;
mod spec;
pub mod unit;
mod volumes;
mod watch;
pub mod words;
pub mod write;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{Pod, Service},
};
use kube::Client;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    client::told,
    logs::{Said, Sources},
    metrics::Usage,
    rollout::{Site, Turns},
    scale::Scalers,
    settings::ServerSettings,
    watch::Cache,
    write::Writer,
};
pub use self::{
    clusters::Clusters,
    spec::{ClusterSpec, reaches_in},
};
use super::{Provisioner, Routes, UnitUsage, hold::Firm, scaling::Scaler};
use crate::error::{Error, Result};

/// How long the first look at a cluster may take.
const FIRST: Duration = Duration::from_secs(10);

/// One cluster.
pub struct Kubernetes {
    spec: ClusterSpec,
    client: Client,
    pods: Arc<Cache<Pod>>,
    deployments: Arc<Cache<Deployment>>,
    services: Arc<Cache<Service>>,
    runs: Arc<Cache<Job>>,
    noted: jobs::Noted,
    scalers: Scalers,
    routed: route::Watched,
    usage: Arc<Usage>,
    said: Arc<Said>,
    server: Arc<ServerSettings>,
    turns: Arc<Turns>,
    _end: DropGuard,
}

impl Kubernetes {
    /// Begins to watch a cluster; `said` is what was said about its apps before, `server` what the server's settings say.
    pub async fn start(spec: ClusterSpec, said: Arc<Said>, server: Arc<ServerSettings>) -> Result<Self> {
        let client = client::connect(&spec, server.trust_kubeconfigs).await?;
        let end = CancellationToken::new();
        let pods = Cache::start(client.clone(), end.clone());
        held::sweep(client.clone(), pods.clone(), end.clone());
        Ok(Self {
            pods,
            deployments: Cache::start(client.clone(), end.clone()),
            services: Cache::start(client.clone(), end.clone()),
            runs: Cache::start(client.clone(), end.clone()),
            noted: jobs::Noted::default(),
            scalers: Scalers::start(&client, &end),
            routed: route::Watched::new(client.clone()),
            usage: Usage::start(client.clone(), end.clone()),
            spec,
            client,
            said,
            server,
            turns: Arc::default(),
            _end: end.drop_guard(),
        })
    }

    /// The cluster as it was entered.
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    /// What the server's settings say.
    pub fn server(&self) -> &ServerSettings {
        &self.server
    }

    fn told(&self, e: &kube::Error) -> Error {
        told(&self.spec.name, e)
    }

    /// The app's running pods, once they are known.
    async fn running(&self, app: &str) -> Result<Vec<Arc<Pod>>> {
        self.is_known(&self.pods).await?;
        Ok(exec::running(self.pods.of(app)))
    }

    /// Refused while nothing is known of the cluster.
    async fn is_known<K: write::Object + kept::Kept>(&self, cache: &Cache<K>) -> Result<()> {
        if cache.is_whole(FIRST).await { Ok(()) } else { Err(Error::unavailable(self.trouble_text())) }
    }

    /// Where the jobs of a pool are, and apps when they are made.
    fn namespace(&self, pool: &str) -> String {
        self.spec.settings.namespace(self.server.pool_namespaces, pool)
    }

    fn trouble_text(&self) -> String {
        let why = self.pods.trouble().or_else(|| self.deployments.trouble());
        format!("cluster {:?} does not answer: {}", self.spec.name, why.unwrap_or_else(|| "nothing is heard of it".into()))
    }

    fn sources(&self) -> Sources {
        Sources::of_apps(self.client.clone(), self.pods.clone(), self.said.clone())
    }

    /// As rollouts work with it.
    fn site(&self) -> Site {
        Site {
            name: self.spec.name.clone(),
            settings: self.spec.settings.clone(),
            server: self.server.clone(),
            client: self.client.clone(),
            pods: self.pods.clone(),
            deployments: self.deployments.clone(),
            said: self.said.clone(),
            turns: self.turns.clone(),
            hold: Arc::new(Firm),
        }
    }

    /// Writes to it, with this patience.
    pub fn writer(&self, patience: Duration) -> Writer<'_> {
        Writer { cluster: &self.spec.name, patience, hold: None }
    }
}

impl Provisioner for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn scaler(&self) -> Option<&dyn Scaler> {
        Some(self)
    }

    fn routes(&self) -> Result<Option<&dyn Routes>> {
        Ok(Some(self))
    }

    fn usage(&self, app: &str) -> std::result::Result<Vec<UnitUsage>, String> {
        self.usage.of(app)
    }
}
