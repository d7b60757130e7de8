//! A cluster as rollouts work with it: what is asked, what is watched, and whose turn it is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{apps::v1::Deployment, core::v1::Pod},
};
use kube::{Api, Client, Resource, api::ListParams};
use tokio::sync::OwnedMutexGuard;

use crate::{
    error::Result,
    provisioner::{
        DynHold,
        kubernetes::{
            logs::Said,
            objects::labels,
            settings::{ClusterSettings, ServerSettings},
            watch::Cache,
            write::{LONG, Object, Writer},
        },
    },
};

/// One cluster; cheap to clone.
#[derive(Clone)]
pub struct Site {
    /// The cluster's name.
    pub name: String,
    /// What it was told about itself.
    pub settings: ClusterSettings,
    /// What the server's settings say.
    pub server: Arc<ServerSettings>,
    /// Its API.
    pub client: Client,
    /// Its pods.
    pub pods: Arc<Cache<Pod>>,
    /// Its deployments.
    pub deployments: Arc<Cache<Deployment>>,
    /// What was said here about its apps.
    pub said: Arc<Said>,
    /// Who changes which app.
    pub turns: Arc<Turns>,
    /// What is written only while it holds.
    pub hold: DynHold,
}

impl Site {
    /// Writes, and waits long for a cluster that is away: work that began is brought to an end.
    pub fn writer(&self) -> Writer<'_> {
        Writer { cluster: &self.name, patience: LONG, hold: Some(&*self.hold) }
    }

    /// Objects of a kind in a namespace.
    pub fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// An app's objects of a kind in a namespace.
    pub async fn list<K>(&self, namespace: &str, app: &str) -> Result<Vec<K>>
    where
        K: Object + Resource<Scope = NamespaceResourceScope>,
    {
        let (api, ours) = (self.api::<K>(namespace), ours(app));
        Ok(self.writer().asked(|| api.list(&ours)).await?.items)
    }

    /// The same of a kind that the cluster may lack, or does not show us.
    pub async fn list_if_known<K>(&self, namespace: &str, app: &str) -> Result<Option<Vec<K>>>
    where
        K: Object + Resource<Scope = NamespaceResourceScope>,
    {
        let (api, ours) = (self.api::<K>(namespace), ours(app));
        Ok(self.writer().unless(&[404, 403], || api.list(&ours)).await?.map(|found| found.items))
    }
}

fn ours(app: &str) -> ListParams {
    ListParams::default().labels(&format!("{}=true,{}={app}", labels::own("is-tsuru"), labels::APP))
}

/// One change of an app at a time.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the app's turn, which ends when this is dropped.
    pub async fn of(&self, app: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
            all.entry(app.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }
}
