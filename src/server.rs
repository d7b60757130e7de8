//! From settings to a running server, top to bottom, and its graceful end.

mod metrics;
mod open;
mod stop;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use actix_web::{App as HttpApp, HttpServer, web};

use crate::{
    api::{dispatch::dispatch, route::Router, routes},
    app::{
        App, deploy,
        intended::{self, Intended},
        reconcile,
        version::AppVersions,
    },
    auth::{identify::Group, oauth_token::OauthToken, session, session::Session, team_token::TeamToken},
    cluster::{self, Cluster, know},
    config::{Config, Database},
    context::Context,
    error::{Error, Result},
    event::{Event, block::Block, document::Counter, log::Chunk},
    first_start::{self, FirstLogin},
    job::{self, Job},
    permission::{self, Role},
    plan::StoredPlan,
    platform::{Platform, image::PlatformImages},
    pool::{Constraint, Pool},
    provisioner::{
        Vault,
        local::{Local, LocalConfig},
    },
    router::{self, DynamicRouter},
    service::{
        Instance, Service,
        intent::{self, Intent},
    },
    store::{Document, Store},
    team::{self, Team},
    user::User,
    volume::{Bind, Volume},
    webhook::{self, Delivery, SigningKey, Webhook},
};

pub use open::{check, open_store, open_to_seal};

/// Requests that run when the server is told to stop get so long.
const STOP_AFTER: u64 = 60;
/// Longer than clients and proxies keep a connection that they do not use (60 s and 90 s, mostly), so that they close it first: what is
/// asked on a connection just when it is closed is lost.
const KEPT: Duration = Duration::from_secs(120);
/// How often the stopping server looks whether all is done.
const LOOK: Duration = Duration::from_millis(100);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// A data folder that only this process uses.
pub struct DataDir {
    _lock: fs::File,
}

impl DataDir {
    /// Makes the folder when it is missing and takes it; an error names it.
    pub fn open(path: &Path) -> Result<Self> {
        let named = |e: std::io::Error| Error::invalid(format!("the data folder {} cannot be used: {e}", path.display()));
        if !path.exists() {
            fs::create_dir_all(path).map_err(named)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(named)?;
        }
        let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(named)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(Error::invalid(format!("the data folder {} is in use by another impaasd", path.display())))
            }
            Err(fs::TryLockError::Error(e)) => Err(named(e)),
        }
    }
}

/// Makes the indexes of every collection.
pub async fn ensure_collections(store: &Store) -> Result<()> {
    ensure::<User>(store).await?;
    ensure::<Session>(store).await?;
    ensure::<OauthToken>(store).await?;
    ensure::<TeamToken>(store).await?;
    ensure::<Group>(store).await?;
    ensure::<Role>(store).await?;
    ensure::<Team>(store).await?;
    ensure::<App>(store).await?;
    ensure::<AppVersions>(store).await?;
    ensure::<Job>(store).await?;
    ensure::<Event>(store).await?;
    ensure::<Chunk>(store).await?;
    ensure::<Counter>(store).await?;
    ensure::<Block>(store).await?;
    ensure::<StoredPlan>(store).await?;
    ensure::<Platform>(store).await?;
    ensure::<Pool>(store).await?;
    ensure::<Constraint>(store).await?;
    ensure::<PlatformImages>(store).await?;
    ensure::<Volume>(store).await?;
    ensure::<Bind>(store).await?;
    ensure::<Service>(store).await?;
    ensure::<Instance>(store).await?;
    ensure::<Intent>(store).await?;
    ensure::<Intended>(store).await?;
    ensure::<DynamicRouter>(store).await?;
    router::address::ensure_collection(store).await?;
    ensure::<Cluster>(store).await?;
    ensure::<Webhook>(store).await?;
    ensure::<Delivery>(store).await?;
    ensure::<SigningKey>(store).await?;
    Ok(())
}

async fn ensure<T: Document>(store: &Store) -> Result<()> {
    Ok(store.of::<T>().ensure().await?)
}

/// Runs until it is told to stop.
pub async fn serve(config: Config) -> Result<()> {
    router::check_settings(&config)?;
    cluster::server::check_settings(&config)?;
    let _data = DataDir::open(&config.data_dir)?;
    let api = std::net::TcpListener::bind(config.listen).map_err(|e| cannot_listen("listen", config.listen, &e))?;
    let metrics = metrics::bind(&config)?;
    let store = open_store(&config).await?;
    let local = start_local(&config, &store).await?;
    let ctx = Context::new(config, store, local.clone(), tokio::runtime::Handle::current());
    if ctx.config.database == Database::Embedded {
        ctx.events.close_interrupted().await?;
        reconcile::reconcile(&ctx).await?;
        deploy::tidy::after_start(&ctx).await?;
    }
    permission::role::rename::finish_all(&ctx.store).await?;
    team::rename::finish_all(&ctx.store).await?;
    clear_uploads(&ctx.config)?;
    let first = first_start::prepare(&ctx).await?;
    tokio::spawn(ctx.events.clone().keep());
    tokio::spawn(sweep(ctx.store.clone()));
    tokio::spawn(intent::keep(ctx.clone()));
    tokio::spawn(webhook::work::keep(ctx.clone()));
    tokio::spawn(job::keep_notes(ctx.clone()));
    tokio::spawn(know::keep(ctx.clone()));
    tokio::spawn(intended::keep(ctx.clone()));
    if let Some(listener) = metrics {
        metrics::serve(&ctx, listener)?;
    }
    announce(&ctx.config, first.as_ref());
    listen(ctx.clone(), api).await?;
    finish(&ctx).await;
    local.stop().await;
    Ok(())
}

async fn start_local(config: &Config, store: &Store) -> Result<Arc<Local>> {
    Local::start(LocalConfig {
        dir: config.data_dir.join("local"),
        hidden: config.data_dir.clone(),
        apps_listen: config.apps_listen,
        program: std::env::current_exe()?,
        path: std::env::var("PATH").unwrap_or_default(),
        vault: vault(store),
    })
    .await
}

fn cannot_listen(key: &str, address: std::net::SocketAddr, e: &std::io::Error) -> Error {
    Error::invalid(format!("cannot listen on {address} ({key}, --{key}): {e}"))
}

/// What the provisioner keeps is sealed with the store's key.
pub fn vault(store: &Store) -> Arc<dyn Vault> {
    Arc::new(StoreVault(store.clone()))
}

struct StoreVault(Store);

impl std::fmt::Debug for StoreVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreVault")
    }
}

impl Vault for StoreVault {
    fn seal(&self, place: &str, clear: &str) -> Result<String> {
        Ok(self.0.sealer().seal_text(place, clear)?)
    }

    fn open(&self, place: &str, sealed: &str) -> Result<String> {
        Ok(self.0.sealer().open_text(place, sealed)?)
    }
}

async fn listen(ctx: Context, listener: std::net::TcpListener) -> Result<()> {
    let (signals, leaving) = (stop::Signals::listen()?, ctx.leaving.clone());
    let data = web::Data::new(ctx);
    let router = web::Data::new(Arc::new(Router::new(routes::table())));
    let http = HttpServer::new(move || HttpApp::new().app_data(data.clone()).app_data(router.clone()).default_service(web::to(dispatch)))
        .shutdown_timeout(STOP_AFTER)
        // Streams are written piece by piece: no piece waits for the acknowledgement of the one before.
        .tcp_nodelay(true)
        .disable_signals()
        .keep_alive(KEPT)
        .client_request_timeout(Duration::from_secs(30))
        .workers(std::thread::available_parallelism().map_or(2, |n| n.get().min(8)))
        .listen(listener)?
        .run();
    tokio::spawn(signals.obey(http.handle(), leaving));
    Ok(http.await?)
}

/// What goes on although its client is gone gets as long; what is not done then is for another server to bring to its end.
async fn finish(ctx: &Context) {
    let ended = async {
        while ctx.events.running() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(STOP_AFTER), ended).await;
    if within.is_err() {
        tracing::warn!(running = ctx.events.running(), "stopped before everything was done");
    }
}

/// Uploads of requests that a crash cut off are of no use.
fn clear_uploads(config: &Config) -> Result<()> {
    let dir = config.uploads();
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    Ok(fs::create_dir_all(&dir)?)
}

async fn sweep(store: Store) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    loop {
        tick.tick().await;
        if let Err(e) = session::sweep(&store).await {
            tracing::warn!(error = %e, "sessions that are over could not be removed");
        }
    }
}

fn announce(config: &Config, first: Option<&FirstLogin>) {
    let address = format!("http://{}", config.listen);
    println!("ImPaaS is running: API {address}, apps http://APP.localhost:{}", config.apps_listen.port());
    let Some(login) = first else { return };
    println!(
        "\nFirst start. Log in as {} with the password {}\n(kept in {}, shown only now)\n\nFrom here to a deployed app:\n",
        login.email,
        login.password.expose(),
        config.data_dir.join("first-login.txt").display()
    );
    println!("  tsuru target add impaas {address} --set-current");
    println!("  tsuru login {}", login.email);
    println!("  tsuru app create blog static --team demo");
    println!("  tsuru app deploy --app blog examples/blog\n");
}
