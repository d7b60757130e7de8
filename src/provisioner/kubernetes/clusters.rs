//! All clusters that are known, each with its connection: made once, renewed when what is known of it changes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::watch;

use super::{Kubernetes, logs::Said, settings::ServerSettings, spec::ClusterSpec};
use crate::error::Result;

/// The clusters by name.
#[derive(Default)]
pub struct Clusters {
    known: RwLock<HashMap<String, Arc<Kubernetes>>>,
    /// One connection is made at a time: two would watch twice.
    making: tokio::sync::Mutex<()>,
    said: Arc<Said>,
    /// What the server's settings say.
    server: Arc<ServerSettings>,
    /// Others came or went.
    changes: watch::Sender<()>,
}

impl Clusters {
    /// None yet; objects in them are made as the server's settings say.
    pub fn new(server: ServerSettings) -> Self {
        Self { server: Arc::new(server), ..Self::default() }
    }

    /// The cluster, with a connection that fits what is known of it now. Nobody is asked: one that cannot be reached says so later.
    pub async fn get(&self, spec: &ClusterSpec) -> Result<Arc<Kubernetes>> {
        if let Some(found) = self.known(spec) {
            return Ok(found);
        }
        let _making = self.making.lock().await;
        if let Some(found) = self.known(spec) {
            return Ok(found);
        }
        let made = Arc::new(Kubernetes::start(spec.clone(), self.said.clone(), self.server.clone()).await?);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(spec.name.clone(), made.clone());
        self.changes.send_replace(());
        Ok(made)
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Kubernetes>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Forgets all but these; what still uses one of the others goes on until it is done.
    pub fn keep(&self, names: &[&str]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|name, _| names.contains(&name.as_str()));
        if known.len() != before {
            self.changes.send_replace(());
        }
    }

    /// Hears of clusters that come or go from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn known(&self, spec: &ClusterSpec) -> Option<Arc<Kubernetes>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&spec.name).filter(|known| known.spec() == spec).cloned()
    }
}
