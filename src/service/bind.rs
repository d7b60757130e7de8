//! Binds apps to instances and unbinds them: the broker, the app's environment and the instance's list of apps, together or not at all.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Instance, Service,
    broker::{Asker, BoundApp, Broker, Fault},
    intent::{self, Deed, Intent},
};
use crate::{
    app::{
        self, App, EnvVar, ServiceEnvVar,
        rollout::{self, Which},
    },
    cluster::Cluster,
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    pool::Pool,
    router::LOCAL,
    store::{Filter, Update},
};

/// How an app is bound.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The app's units are replaced.
    pub restart: bool,
    /// What the broker is told besides.
    pub parameters: Map<String, Value>,
}

/// How an app is unbound.
#[derive(Clone, Debug)]
pub struct Unbinding {
    /// The app's units are replaced.
    pub restart: bool,
    /// Errors of the broker are only noted.
    pub force: bool,
}

/// True for a variable that comes from this instance.
pub fn is_of(var: &ServiceEnvVar, instance: &Instance) -> bool {
    var.service == instance.service_name && var.instance == instance.name
}

/// Binds the app. The event locks the instance too.
pub async fn bind(ctx: &Context, app: &mut Locked<App>, instance: &Instance, how: Binding, out: &Output) -> Result<()> {
    match bound(ctx, app, instance, &how, out).await {
        Ok(names) => {
            out.write(&format!("\nInstance {:?} is now bound to the app {:?}.\n", instance.name, app.name));
            if !names.is_empty() {
                out.write("The following environment variables are available for use in your app:\n\n");
                names.iter().for_each(|name| out.write(&format!("- {name}\n")));
                out.write("- TSURU_SERVICES\n");
            }
            Ok(())
        }
        Err(e) => Err(explained(ctx, instance, e).await),
    }
}

/// Why it failed, and how the instance is.
pub(super) async fn explained(ctx: &Context, instance: &Instance, error: Error) -> Error {
    match error {
        Error::Internal(_) | Error::Unavailable(_) => error,
        _ => Error::refused(format!("{error} ({})", status(ctx, instance).await)),
    }
}

async fn status(ctx: &Context, instance: &Instance) -> String {
    let asked = async {
        let service = Service::load(&ctx.store, &instance.service_name).await?;
        Ok::<_, Error>(Broker::in_pool(ctx, &service, &instance.pool).await?.status(&instance.name).await?)
    };
    asked.await.map_or_else(|e| format!("failed to retrieve instance status: {e}"), |status| format!("{:?} is {status}", instance.name))
}

async fn bound(ctx: &Context, app: &mut Locked<App>, instance: &Instance, how: &Binding, out: &Output) -> Result<Vec<String>> {
    let settled = intent::settle_bind(ctx, app, instance).await?;
    if !settled && instance.apps.contains(&app.name) {
        return Err(Error::refused("app is already bound to this service instance"));
    }
    let asker = Asker::of(app.event());
    let reach = Reach::of(ctx, instance, asker.clone()).await?;
    let intent = Intent::begin(ctx, Deed::Bind, instance, &app.name, &asker).await?;
    let done = join(&reach, app, how, out).await;
    match &done {
        // What the broker may still have is not forgotten before it said that it has it no more.
        Err(failure) if failure.at_broker => {
            if reach.unbind(app).await.is_ok() {
                forget(ctx, app, instance).await?;
                intent.done(ctx).await?;
            }
        }
        Err(_) => {
            forget(ctx, app, instance).await?;
            intent.done(ctx).await?;
        }
        Ok(_) => intent.done(ctx).await?,
    }
    done.map_err(|failure| failure.error)
}

/// Why a bind failed.
pub(super) struct Failure {
    pub error: Error,
    /// The broker has it bound, or may have.
    pub at_broker: bool,
}

impl Failure {
    /// Before the broker was asked.
    pub fn before(error: Error) -> Self {
        Self { error, at_broker: false }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { at_broker: fault.uncertain, error: fault.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, at_broker: true }
    }
}

async fn join(reach: &Reach<'_>, app: &mut Locked<App>, how: &Binding, out: &Output) -> Result<Vec<String>, Failure> {
    let (ctx, instance) = (reach.ctx, reach.instance);
    let about = describe(ctx, app, how.parameters.clone()).await.map_err(Failure::before)?;
    app.change_other::<Instance>(&ctx.store, instance.id, Update::add_to_set("apps", &app.name)).await.map_err(Failure::before)?;
    let vars = reach.bind(&about).await?;
    let names: Vec<String> = vars.keys().cloned().collect();
    if names.is_empty() {
        return Ok(names);
    }
    out.section(&format!("Setting {} new environment variables", names.len() + 1));
    set_variables(ctx, app, with(&app.service_envs, instance, vars)).await?;
    if how.restart {
        rollout::renew(ctx, app, &Which::all(), out).await?;
    }
    Ok(names)
}

/// The variables with these of the instance, in place of those that it has there.
pub(super) fn with(all: &[ServiceEnvVar], instance: &Instance, vars: BTreeMap<String, String>) -> Vec<ServiceEnvVar> {
    let new = vars.into_iter().map(|(name, value)| ServiceEnvVar {
        var: EnvVar { name, value: value.into(), ..EnvVar::default() },
        service: instance.service_name.clone(),
        instance: instance.name.clone(),
    });
    without(all, instance).into_iter().chain(new).collect()
}

/// The variables that are not of this instance.
pub(super) fn without(all: &[ServiceEnvVar], instance: &Instance) -> Vec<ServiceEnvVar> {
    all.iter().filter(|var| !is_of(var, instance)).cloned().collect()
}

/// Says how many of the variables go with the instance.
pub(super) fn say_unset(all: &[ServiceEnvVar], instance: &Instance, out: &Output) -> usize {
    let unset = all.len() - without(all, instance).len();
    if unset > 0 {
        out.section(&format!("Unsetting {unset} environment variables"));
    }
    unset
}

async fn set_variables(ctx: &Context, app: &mut Locked<App>, all: Vec<ServiceEnvVar>) -> Result<()> {
    let id = app.id;
    app.change(&ctx.store, id, Update::set("serviceenvs", all)).await
}

/// Unbinds the app. The event locks the instance too.
pub async fn unbind(ctx: &Context, app: &mut Locked<App>, instance: &Instance, how: Unbinding, out: &Output) -> Result<()> {
    intent::settle_bind(ctx, app, instance).await?;
    let bound = ctx.store.of::<Instance>().count(Filter::id(instance.id).and(Filter::eq("apps", &app.name))).await? > 0;
    if !bound {
        return Err(Error::refused("app is not bound to this service instance"));
    }
    let asker = Asker::of(app.event());
    let reach = Reach::of(ctx, instance, asker.clone()).await?;
    let intent = Intent::begin(ctx, Deed::Unbind, instance, &app.name, &asker).await?;
    match reach.unbind(app).await {
        Err(e) if how.force => out.line(&format!("[unbind-app-endpoint] ignored error due to force: {e}")),
        Err(e) => {
            // Nothing was changed here: it stays bound, whatever the broker did.
            intent.done(ctx).await?;
            return Err(e);
        }
        Ok(()) => {}
    }
    let unset = say_unset(&app.service_envs, instance, out);
    forget(ctx, app, instance).await?;
    intent.done(ctx).await?;
    if how.restart && unset > 0 {
        rollout::renew(ctx, app, &Which::all(), out).await?;
    }
    out.write(&format!("\nInstance {:?} is not bound to the app {:?} anymore.\n", instance.name, app.name));
    Ok(())
}

/// Takes the instance's variables from the app and the app from the instance.
pub async fn forget(ctx: &Context, app: &mut Locked<App>, instance: &Instance) -> Result<()> {
    if app.service_envs.iter().any(|var| is_of(var, instance)) {
        set_variables(ctx, app, without(&app.service_envs, instance)).await?;
    }
    app.change_other::<Instance>(&ctx.store, instance.id, Update::pull("apps", &app.name)).await.map(drop)
}

/// Unbinds an app that is being removed from everything. Brokers that fail are noted and do not hold up the removal.
pub async fn unbind_all(ctx: &Context, app: &mut Locked<App>, out: &Output) -> Result<()> {
    for instance in Instance::of_app(&ctx.store, &app.name).await? {
        let how = Unbinding { restart: false, force: true };
        unbind(ctx, app, &instance, how, out).await?;
    }
    Ok(())
}

async fn describe(ctx: &Context, app: &App, parameters: Map<String, Value>) -> Result<BoundApp> {
    let pool = Pool::load(&ctx.store, &app.pool).await?;
    let provisioner = ctx.provisioner(&pool).await?;
    let internal = provisioner.internal_addresses(&app.name).into_iter().filter(|address| address.version.is_empty());
    Ok(BoundApp {
        name: app.name.clone(),
        hosts: hosts(ctx, app).await?,
        internal_hosts: internal.map(|at| format!("{}://{}:{}", at.protocol.to_ascii_lowercase(), at.domain, at.port)).collect(),
        provisioner: provisioner.name().into(),
        cluster: Cluster::of_pool(&ctx.store, &pool).await?,
        pool: pool.name,
        parameters,
    })
}

async fn hosts(ctx: &Context, app: &App) -> Result<Vec<String>> {
    let mut hosts = Vec::new();
    for router in &app.routers {
        match router.name.as_str() {
            LOCAL => hosts.push(rollout::provisioner(ctx, app).await?.address(&app.name)),
            other => hosts.extend(app::router::look(ctx, app, other).await.addresses),
        }
    }
    Ok(hosts)
}

/// The broker of an instance, as far as it is known.
pub struct Reach<'a> {
    ctx: &'a Context,
    instance: &'a Instance,
    /// None when the service was removed from the store by hand.
    service: Option<Service>,
    asker: Asker,
}

impl<'a> Reach<'a> {
    /// The broker of this instance, asked on behalf of somebody.
    pub async fn of(ctx: &'a Context, instance: &'a Instance, asker: Asker) -> Result<Self> {
        let service = ctx.store.of::<Service>().get(Filter::id(&instance.service_name)).await?;
        Ok(Self { ctx, instance, service, asker })
    }

    async fn bind(&self, about: &BoundApp) -> Result<BTreeMap<String, String>, Fault> {
        let Some(service) = &self.service else { return Err(Fault::refused("Service not found")) };
        let broker = Broker::in_pool(self.ctx, service, &self.instance.pool).await.map_err(|e| Fault::refused(e.to_string()))?;
        broker.bind(self.instance, about, &self.asker).await
    }

    /// Unbinds at the broker.
    pub async fn unbind(&self, app: &App) -> Result<()> {
        let Some(service) = &self.service else { return Ok(()) };
        let broker = Broker::in_pool(self.ctx, service, &self.instance.pool).await?;
        let hosts = hosts(self.ctx, app).await?;
        Ok(broker.unbind(&self.instance.name, &app.name, &hosts, &self.asker).await?)
    }
}
