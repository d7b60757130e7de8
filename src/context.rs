//! What handlers and flows work with: passed along, never global.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::{
    app::written::Written,
    auth::{callers::Callers, sign_on::SignOn, throttle::Throttle},
    config::Config,
    error::Result,
    event::Events,
    metrics::Metrics,
    provisioner::DynProvisioner,
    service::broker,
    store::Store,
};

/// Cheap to clone.
#[derive(Clone)]
pub struct Context(Arc<Parts>);

/// Its parts.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// Documents.
    pub store: Store,
    /// Audit, locks, logs.
    pub events: Events,
    /// Runs the apps of pool `local`, and of every pool while there is no other provisioner.
    pub provisioner: DynProvisioner,
    /// Callers of late.
    pub callers: Callers,
    /// The sign-on provider.
    pub sign_on: SignOn,
    /// Wrong logins of late.
    pub throttle: Throttle,
    /// Lists of apps of late.
    pub lists: Written,
    /// What is counted.
    pub metrics: Metrics,
    /// Calls to brokers of services.
    pub brokers: broker::Client,
    /// Where work that outlives a request runs.
    pub runtime: Handle,
}

impl Context {
    /// Joins the parts.
    pub fn new(config: Config, store: Store, provisioner: DynProvisioner, runtime: Handle) -> Self {
        let events = Events::new(store.clone(), runtime.clone()).with_limits(config.throttling.clone());
        let callers = Callers::new(&store);
        let metrics = Metrics::new(events.metrics(), store.commands().metrics());
        let brokers = broker::Client::new(&config);
        let sign_on = SignOn::new(&config);
        Self(Arc::new(Parts {
            brokers,
            callers,
            config,
            store,
            events,
            provisioner,
            sign_on,
            throttle: Throttle::default(),
            lists: Written::default(),
            metrics,
            runtime,
        }))
    }

    /// What is counted, in Prometheus' text format, with what runs now.
    pub fn exposition(&self) -> Result<String> {
        let census = self.0.provisioner.census();
        let units = census.units.iter().map(|(status, count)| (status.word(), *count));
        self.0.metrics.now_running(self.0.events.running(), census.apps, units);
        self.0.metrics.text()
    }

    /// The provisioner of a pool whose `provisioner` field says this.
    pub fn provisioner(&self, named: &str) -> Result<DynProvisioner> {
        if named.is_empty() || named == self.0.provisioner.name() {
            return Ok(self.0.provisioner.clone());
        }
        Err(crate::error::Error::NotYet(format!("provisioner {named:?} is not there yet in this server, use \"local\"")))
    }
}

impl std::ops::Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
