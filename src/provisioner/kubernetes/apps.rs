//! Apps: what is wanted of them, and what is seen of them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, EvictParams, ListParams},
};

use super::{
    Kubernetes, address,
    client::{SHORT, ask},
    observed,
    rollout::{self, Site},
    unit,
};
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{AppState, Apps, Census, DynHold, InternalAddress, Unit},
};

/// How long who makes an app waits for its cluster.
const INTRODUCTION: Duration = Duration::from_secs(3);

impl Kubernetes {
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

#[async_trait]
impl Apps for Kubernetes {
    async fn apply(&self, want: AppState, hold: DynHold, out: &Output) -> Result<()> {
        let scene = rollout::apply(Site { hold: hold.clone(), ..self.site() }, want, out).await?;
        hold.check().await?;
        // The app serves: that counts more.
        if let Err(e) = self.rescale(&scene.makings()).await {
            out.action(&format!("WARNING: unable to ensure auto scale is configured: {e}"));
        }
        Ok(())
    }

    async fn settled(&self, app: &str) {
        drop(self.turns.of(app).await);
    }

    async fn introduce(&self, app: &AppState) -> Result<()> {
        match self.trouble(&app.app) {
            // Nobody waits for a cluster that is known to be away.
            Some(why) => Err(Error::unavailable(why)),
            None => rollout::introduce(&self.site(), app, INTRODUCTION).await,
        }
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
        rollout::remove(self.site(), app).await?;
        self.remove_scalers(app).await?;
        self.said.forget(app);
        Ok(())
    }

    fn units(&self, app: &str) -> Vec<Unit> {
        self.pods.of(app).iter().filter_map(|pod| unit::of(pod)).collect()
    }

    fn units_heard(&self) -> Option<u64> {
        Some(self.pods.count())
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
