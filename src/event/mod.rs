//! Events: audit, lock, log and cancel of every change, in one.
//!
//! The lock is a lease: its holder renews it every few seconds; an observer that saw its counter stand still for [`LEASE`] closes it.
//! Each event that writes has a fence, a number that only grows; what is written under a lock carries it, so a holder that lost the lock
//! writes nothing. What is done elsewhere under a lock looks at its [`Lease`] first.

pub mod begin;
pub mod block;
mod blocks;
pub mod document;
pub mod keeper;
pub mod lease;
pub mod list;
pub mod locked;
pub mod log;
pub mod mask;
mod past;
mod throttle;
mod tsuru;
pub mod unheard;
pub mod view;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bson::oid::ObjectId;
use tokio::{
    runtime::Handle,
    sync::{Mutex as Turn, Notify, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{config::Limit, metrics::EventMetrics, store::Store};

pub use begin::Begin;
pub use document::{Allowed, Event, Instance, Target, TargetType};
pub use lease::Lease;
pub use locked::{Locked, Subject};

/// A lock that was not renewed for so long is dead.
pub const LEASE: Duration = Duration::from_secs(15);
/// How often a holder renews.
pub const RENEWAL: Duration = Duration::from_secs(3);

/// How patient leases are.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A holder renews this often.
    pub renewal: Duration,
    /// A lock that was not renewed for so long is dead.
    pub lease: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { renewal: RENEWAL, lease: LEASE }
    }
}

/// The events of this server.
#[derive(Clone)]
pub struct Events {
    store: Store,
    runtime: Handle,
    patience: Patience,
    metrics: EventMetrics,
    blocks: Arc<blocks::Blocks>,
    limits: Arc<[Limit]>,
    running: Arc<Mutex<HashMap<ObjectId, Handles>>>,
    ended: Arc<Notify>,
    abandoned: watch::Sender<()>,
    instance: Option<Instance>,
}

/// How the keeper reaches a running event of this server.
#[derive(Clone)]
struct Handles {
    began: Instant,
    cancel: CancellationToken,
    lost: CancellationToken,
    fence: Arc<Turn<Option<i64>>>,
    renewed: Arc<lease::Renewed>,
    log: Arc<log::EventLog>,
}

impl Events {
    /// Events kept in `store`; background work runs on `runtime`.
    pub fn new(store: Store, runtime: Handle) -> Self {
        let blocks = Arc::new(blocks::Blocks::new(&store));
        let instance = store.is_shared().then(Instance::here);
        Self {
            instance,
            blocks,
            limits: Arc::default(),
            store,
            runtime,
            patience: Patience::default(),
            metrics: EventMetrics::default(),
            running: Arc::default(),
            ended: Arc::default(),
            abandoned: watch::Sender::default(),
        }
    }

    /// The same with other patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The same with these limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Vec<Limit>) -> Self {
        self.limits = limits.into();
        self
    }

    /// What is counted about them.
    pub fn metrics(&self) -> &EventMetrics {
        &self.metrics
    }

    /// Wakes one waiter when an event of this server ended.
    pub fn ended(&self) -> &Notify {
        &self.ended
    }

    /// Hears of events that this server closes before they are done: those of servers that are gone.
    pub fn abandoned(&self) -> watch::Receiver<()> {
        self.abandoned.subscribe()
    }

    /// How many run in this server.
    pub fn running(&self) -> usize {
        self.lock().len()
    }

    /// The store they are kept in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectId, Handles>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
