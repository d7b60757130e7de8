//! What handlers and flows work with: passed along, never global.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, written::Written},
    auth::{callers::Callers, sign_on::SignOn, throttle::Throttle},
    cluster,
    config::Config,
    error::Result,
    event::Events,
    metrics::Metrics,
    pool::Pool,
    provisioner::{DynProvisioner, registry::Provisioners},
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
    /// What runs apps: this machine and clusters.
    pub provisioners: Provisioners,
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
    /// Fires when the server is about to stop.
    pub leaving: CancellationToken,
}

impl Context {
    /// Joins the parts.
    pub fn new(config: Config, store: Store, local: DynProvisioner, runtime: Handle) -> Self {
        let events = Events::new(store.clone(), runtime.clone()).with_limits(config.throttling.clone());
        let callers = Callers::new(&store);
        let metrics = Metrics::new(events.metrics(), store.commands().metrics());
        let brokers = broker::Client::new(&config);
        let sign_on = SignOn::new(&config);
        let provisioners = Provisioners::new(local, cluster::server::settings(&config));
        Self(Arc::new(Parts {
            brokers,
            callers,
            config,
            store,
            events,
            provisioners,
            sign_on,
            throttle: Throttle::default(),
            lists: Written::default(),
            metrics,
            runtime,
            leaving: CancellationToken::new(),
        }))
    }

    /// What is counted, in Prometheus' text format, with what runs now.
    pub fn exposition(&self) -> Result<String> {
        let census = self.0.provisioners.census();
        let units = census.units.iter().map(|(status, count)| (status.word(), *count));
        self.0.metrics.now_running(self.0.events.running(), census.apps, units);
        self.0.metrics.text()
    }

    /// What runs the apps of this pool; with an error only when the store is away: a cluster that is away says so when it is asked.
    pub async fn provisioner(&self, pool: &Pool) -> Result<DynProvisioner> {
        let cluster = cluster::know::spec_of(self, pool).await?;
        Ok(self.0.provisioners.of_pool(cluster::know::named(self, pool), cluster.as_ref()).await)
    }

    /// What runs this app, as far as is known at this moment.
    pub fn runs(&self, app: &App) -> DynProvisioner {
        self.0.provisioners.now(&app.pool)
    }
}

impl std::ops::Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
