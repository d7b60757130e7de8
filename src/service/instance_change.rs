//! Makes, changes and removes instances: the broker and the store together.

use bson::oid::ObjectId;
use regex::Regex;
use serde_json::{Map, Value};
use std::sync::LazyLock;

use super::{
    Instance, Service,
    bind::{self, Unbinding},
    broker::{Asker, Broker},
    instance,
    intent::{self, Deed, Intent},
};
use crate::{
    app::App,
    context::Context,
    error::{Error, Result},
    event::{Locked, Subject},
    names::compile,
    output::Output,
    permission::{ContextType, holder},
    pool::{
        Pool,
        constraint::{Field, Rules},
    },
    store::{Filter, Store, Update},
    team::Team,
};

static NAME: LazyLock<Regex> = LazyLock::new(|| compile("^[A-Za-z][-a-zA-Z0-9_]+$"));

/// What an instance should be.
#[derive(Clone, Debug, Default)]
pub struct InstanceWish {
    /// Name.
    pub name: String,
    /// Plan.
    pub plan: String,
    /// The team that owns it.
    pub team_owner: String,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// What the broker is told besides.
    pub parameters: Map<String, Value>,
    /// Pool, for services whose instances live in one.
    pub pool: String,
}

/// Makes an instance.
pub async fn create_instance(ctx: &Context, lock: &Locked<()>, service: &Service, wish: InstanceWish) -> Result<()> {
    check_new(ctx, service, &wish).await?;
    intent::settle_create(ctx, &service.name, &wish.name).await?;
    let instance = Instance {
        id: ObjectId::new(),
        name: wish.name,
        service_name: service.name.clone(),
        plan: wish.plan,
        apps: Vec::new(),
        jobs: Vec::new(),
        teams: vec![wish.team_owner.clone()],
        team_owner: wish.team_owner,
        description: wish.description,
        tags: tidy(wish.tags),
        parameters: wish.parameters,
        pool: wish.pool,
    };
    let asker = Asker::of(lock.event());
    let broker = Broker::in_pool(ctx, service, &instance.pool).await?;
    let intent = Intent::begin(ctx, Deed::Create, &instance, "", &asker).await?;
    let (made, undo) = match broker.create(&instance, &asker).await {
        Ok(()) => match keep(ctx, service, &instance).await {
            Ok(()) => return intent.done(ctx).await,
            Err(e) => (e, true),
        },
        Err(fault) => (Error::refused(fault.to_string()), fault.uncertain),
    };
    // What the broker may have made is not forgotten before it said that it is gone.
    if !undo || broker.remove(&instance.name, &asker).await.is_ok() {
        intent.done(ctx).await?;
    }
    Err(made)
}

/// Stores the instance, unless its service was removed meanwhile.
async fn keep(ctx: &Context, service: &Service, instance: &Instance) -> Result<()> {
    ctx.store.of::<Instance>().insert(instance).await?;
    if let Err(e) = service.reload(&ctx.store).await {
        ctx.store.of::<Instance>().delete(Filter::id(instance.id)).await?;
        return Err(e);
    }
    Ok(())
}

async fn check_new(ctx: &Context, service: &Service, wish: &InstanceWish) -> Result<()> {
    if !NAME.is_match(&wish.name) {
        return Err(Error::invalid("invalid service instance name"));
    }
    if ctx.store.of::<Instance>().count(instance::named(&service.name, &wish.name)).await? > 0 {
        return Err(Error::conflict("instance name already exists."));
    }
    check_owner(ctx, &wish.team_owner).await?;
    match (service.is_multi_cluster, wish.pool.as_str()) {
        (false, "") => Ok(()),
        (false, _) => Err(Error::refused("regular (non-multi-cluster) service instance cannot belong to a pool")),
        (true, "") => Err(Error::refused("multi-cluster service instance requires a pool")),
        (true, pool) => {
            Pool::load(&ctx.store, pool).await.map_err(|e| Error::refused(e.to_string()))?;
            let allowed = Rules::load(&ctx.store, pool).await?.allow(Field::Service, &service.name);
            let text = || format!("Service {:?} is not available in pool {pool:?}", service.name);
            allowed.then_some(()).ok_or_else(|| Error::invalid(text()))
        }
    }
}

async fn check_owner(ctx: &Context, team: &str) -> Result<()> {
    if team.is_empty() {
        return Err(Error::refused("please specify the team that owns the service instance"));
    }
    let known = ctx.store.of::<Team>().count(Filter::id(team)).await? > 0;
    known.then_some(()).ok_or_else(|| Error::refused("Team owner doesn't exist"))
}

/// Tags without blanks around them, each once.
fn tidy(tags: Vec<String>) -> Vec<String> {
    let mut tidy: Vec<String> = Vec::new();
    for tag in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
        if !tidy.iter().any(|known| known == tag) {
            tidy.push(tag.into());
        }
    }
    tidy
}

/// Replaces description, owner, plan, tags and parameters. The broker is told first: asking again repairs what was cut short.
pub async fn update_instance(ctx: &Context, locked: &mut Locked<Instance>, wish: InstanceWish) -> Result<()> {
    check_owner(ctx, &wish.team_owner).await?;
    let service = Service::load(&ctx.store, &locked.service_name).await?;
    let new = Instance {
        plan: wish.plan,
        team_owner: wish.team_owner,
        description: wish.description,
        tags: tidy(wish.tags),
        parameters: wish.parameters,
        ..Instance::clone(locked)
    };
    Broker::in_pool(ctx, &service, &new.pool).await?.update(&new, &Asker::of(locked.event())).await?;
    let update = Update::add_to_set("teams", &new.team_owner)
        .and_set("description", new.description)
        .and_set("tags", new.tags)
        .and_set("teamowner", new.team_owner)
        .and_set("plan_name", new.plan)
        .and_set("parameters", new.parameters);
    locked.change(&ctx.store, new.id, update).await
}

/// Unbinds every app of an instance, whose event locks them too, with a restart of each. What comes back is the instance as it is then.
pub async fn unbind_apps(ctx: &Context, mut locked: Locked<Instance>, out: &Output) -> (Locked<Instance>, Result<()>) {
    for name in locked.apps.clone() {
        let app = match App::load(&ctx.store, &name).await {
            Ok(app) => app,
            Err(e) => return (locked, Err(e)),
        };
        out.write(&format!("Unbind app {name:?} ...\n"));
        let (instance, mut app) = locked.exchange(app);
        let done = bind::unbind(ctx, &mut app, &instance, Unbinding { restart: true, force: false }, out).await;
        let now = instance.reload(&ctx.store).await;
        locked = app.exchange(instance).1;
        match (done, now) {
            (Ok(()), Ok(now)) => locked.set(now),
            (Err(e), _) | (_, Err(e)) => return (locked, Err(e)),
        }
    }
    (locked, Ok(()))
}

/// Removes an instance that no app is bound to. Errors of the broker are only noted when they are to be ignored.
pub async fn remove_instance(ctx: &Context, locked: &Locked<Instance>, ignore_errors: bool, out: &Output) -> Result<()> {
    if !locked.apps.is_empty() {
        let apps = locked.apps.join(",");
        let text = "This service instance is bound to at least one app. Unbind them before removing it";
        return Err(Error::invalid(format!("Applications bound to the service {:?}: {apps:?}\n: {text}", locked.name)));
    }
    let told = async {
        let service = Service::load(&ctx.store, &locked.service_name).await?;
        let broker = Broker::in_pool(ctx, &service, &locked.pool).await?;
        Ok::<_, Error>(broker.remove(&locked.name, &Asker::of(locked.event())).await?)
    };
    match told.await {
        Err(e) if ignore_errors => {
            out.line(&format!("could not delete the service instance on service api: {e}. ignoring this error due to force removal..."));
        }
        other => other?,
    }
    forget_grants(&ctx.store, locked).await?;
    ctx.store.of::<Instance>().delete(Filter::id(locked.id)).await?;
    out.write("service instance successfully removed\n");
    Ok(())
}

/// Nobody holds anything in this instance any longer. Grants name it as `service/instance`, or, for binding, by its name alone: that
/// goes with the last instance of the name.
async fn forget_grants(store: &Store, instance: &Instance) -> Result<()> {
    let full = format!("{}/{}", instance.service_name, instance.name);
    holder::forget_context(store, ContextType::ServiceInstance, &full).await?;
    if store.of::<Instance>().count(Filter::eq("name", &instance.name)).await? <= 1 {
        holder::forget_context(store, ContextType::ServiceInstance, &instance.name).await?;
    }
    Ok(())
}
