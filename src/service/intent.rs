//! What is about to be done at a broker is written down first. When the server dies before it is done, what was written down is undone or
//! finished: by the next request about the same thing, or by [`keep`].

use std::time::Duration;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::{
    Instance, Service,
    bind::{self, Reach},
    bind_job,
    broker::{Asker, Broker},
    instance,
};
use crate::{
    app::App,
    context::Context,
    error::Result,
    event::{Allowed, Begin, Locked, Subject, Target, begin::Running, document::ExtraTarget},
    job::{self, Job},
    store::{Document, Filter, Spec, StoreError},
};

/// How often what was left behind is looked for.
const LOOK: Duration = Duration::from_secs(15);

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Makes an instance.
    Create,
    /// Binds an app or a job.
    Bind,
    /// Unbinds an app or a job.
    Unbind,
}

/// Something that is being done, as stored until it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// What it is about: there is one at a time.
    #[serde(rename = "_id")]
    id: String,
    deed: Deed,
    service: String,
    instance: String,
    pool: String,
    app: String,
    #[serde(default)]
    job: String,
    user: String,
    event: ObjectId,
}

impl Document for Intent {
    const SPEC: &'static Spec = &Spec { name: "service_intents", indexes: &[], sealed: &[] };
}

impl Intent {
    /// Writes down what is about to be done with an instance, and an app when it is about one.
    pub async fn begin(ctx: &Context, deed: Deed, instance: &Instance, app: &str, asker: &Asker) -> Result<Self> {
        let id = id(&instance.service_name, &instance.name, app);
        Self { id, app: app.into(), ..Self::about(deed, instance, asker) }.keep(ctx).await
    }

    /// Writes down what is about to be done with an instance and a job.
    pub async fn begin_job(ctx: &Context, deed: Deed, instance: &Instance, job: &str, asker: &Asker) -> Result<Self> {
        let id = id_of_job(&instance.service_name, &instance.name, job);
        Self { id, job: job.into(), ..Self::about(deed, instance, asker) }.keep(ctx).await
    }

    fn about(deed: Deed, instance: &Instance, asker: &Asker) -> Self {
        Self {
            id: String::new(),
            deed,
            service: instance.service_name.clone(),
            instance: instance.name.clone(),
            pool: instance.pool.clone(),
            app: String::new(),
            job: String::new(),
            user: asker.user.clone(),
            event: ObjectId::parse_str(&asker.event).unwrap_or_default(),
        }
    }

    async fn keep(self, ctx: &Context) -> Result<Self> {
        match ctx.store.of::<Self>().insert(&self).await {
            // What was left behind was settled before; the note of it is replaced.
            Err(StoreError::Duplicate(_)) => {
                self.done(ctx).await?;
                ctx.store.of::<Self>().insert(&self).await?;
            }
            other => other?,
        }
        Ok(self)
    }

    /// It is done, or undone.
    pub async fn done(&self, ctx: &Context) -> Result<()> {
        ctx.store.of::<Self>().delete(Filter::id(&self.id)).await?;
        Ok(())
    }

    fn asker(&self) -> Asker {
        Asker { user: self.user.clone(), event: self.event.to_hex() }
    }
}

fn id(service: &str, instance: &str, app: &str) -> String {
    format!("{service}/{instance}/{app}")
}

/// Names of instances have no colon.
fn id_of_job(service: &str, instance: &str, job: &str) -> String {
    format!("{service}/{instance}/job:{job}")
}

/// What was left behind of a creation. The caller holds the instance's lock.
pub async fn settle_create(ctx: &Context, service: &str, name: &str) -> Result<()> {
    let Some(left) = ctx.store.of::<Intent>().get(Filter::id(id(service, name, ""))).await? else { return Ok(()) };
    let made = ctx.store.of::<Instance>().count(instance::named(service, name)).await? > 0;
    let service = ctx.store.of::<Service>().get(Filter::id(service)).await?;
    if let (false, Some(service)) = (made, service) {
        Broker::in_pool(ctx, &service, &left.pool).await?.remove(name, &left.asker()).await?;
    }
    left.done(ctx).await
}

/// What was left behind of binding or unbinding. The caller holds the locks of both; true when something was.
pub async fn settle_bind(ctx: &Context, app: &mut Locked<App>, instance: &Instance) -> Result<bool> {
    let found = ctx.store.of::<Intent>().get(Filter::id(id(&instance.service_name, &instance.name, &app.name))).await?;
    let Some(left) = found else { return Ok(false) };
    let has_variables = app.service_envs.iter().any(|var| bind::is_of(var, instance));
    if left.deed == Deed::Unbind || !has_variables {
        let reach = Reach::of(ctx, instance, left.asker()).await?;
        reach.unbind(app).await?;
        bind::forget(ctx, app, instance).await?;
    }
    left.done(ctx).await?;
    Ok(true)
}

/// What was left behind of binding or unbinding a job. The caller holds the locks of both; true when something was.
pub async fn settle_bind_job(ctx: &Context, job: &mut Locked<Job>, instance: &Instance) -> Result<bool> {
    let found = ctx.store.of::<Intent>().get(Filter::id(id_of_job(&instance.service_name, &instance.name, &job.name))).await?;
    let Some(left) = found else { return Ok(false) };
    let has_variables = job.spec.service_envs.iter().any(|var| bind::is_of(var, instance));
    if left.deed == Deed::Unbind || !has_variables {
        bind_job::at_broker(ctx, instance, &job.name, &left.asker()).await?;
        bind_job::forget(ctx, job, instance).await?;
    }
    job::ensure(ctx, job).await?;
    left.done(ctx).await?;
    Ok(true)
}

/// Undoes and finishes what was left behind, as long as the server runs.
pub async fn keep(ctx: Context) {
    let mut abandoned = ctx.events.abandoned();
    loop {
        if let Err(e) = Box::pin(recover(&ctx)).await {
            tracing::warn!(error = %e, "what is left of calls to brokers could not be looked for");
        }
        // An error is a sender that is gone, with the server.
        tokio::time::timeout(LOOK, abandoned.changed()).await.ok();
    }
}

/// Undoes and finishes what was left behind now.
pub async fn recover(ctx: &Context) -> Result<()> {
    for left in ctx.store.of::<Intent>().find(Filter::All).await? {
        if ctx.events.is_running(left.event).await? {
            continue;
        }
        if let Err(e) = Box::pin(settle(ctx, &left)).await {
            tracing::warn!(instance = left.id, error = %e, "what is left of a call to a broker could not be settled yet");
        }
    }
    Ok(())
}

async fn settle(ctx: &Context, left: &Intent) -> Result<()> {
    let about = instance::target(&left.service, &left.instance);
    if left.deed == Deed::Create {
        let Some(event) = take(ctx, left, begin(about, None, "service-instance.create")).await? else { return Ok(()) };
        return event.end(settle_create(ctx, &left.service, &left.instance).await).await;
    }
    if !left.job.is_empty() {
        return Box::pin(settle_of_job(ctx, left, about)).await;
    }
    let app = ctx.store.of::<App>().get(Filter::eq("name", &left.app)).await?;
    let instance = ctx.store.of::<Instance>().get(instance::named(&left.service, &left.instance)).await?;
    let (Some(app), Some(instance)) = (app, instance) else { return left.done(ctx).await };
    let begin = begin(app.target(), Some(about), "app.update.unbind");
    let Some(event) = take(ctx, left, begin).await? else { return Ok(()) };
    let (app, instance) = (app.reload(&ctx.store).await?, instance.reload(&ctx.store).await?);
    let mut app = Locked::new(app, event);
    let settled = settle_bind(ctx, &mut app, &instance).await.map(drop);
    app.end(settled).await
}

async fn settle_of_job(ctx: &Context, left: &Intent, about: Target) -> Result<()> {
    let job = ctx.store.of::<Job>().get(Filter::eq("name", &left.job)).await?;
    let instance = ctx.store.of::<Instance>().get(instance::named(&left.service, &left.instance)).await?;
    let (Some(job), Some(instance)) = (job, instance) else { return left.done(ctx).await };
    let Some(event) = take(ctx, left, begin(job.target(), Some(about), "job.update")).await? else { return Ok(()) };
    let (job, instance) = (job.reload(&ctx.store).await?, instance.reload(&ctx.store).await?);
    let mut job = Locked::new(job, event);
    let settled = settle_bind_job(ctx, &mut job, &instance).await.map(drop);
    job.end(settled).await
}

/// Begins its event; none where another server was quicker, or the next request about the same thing.
async fn take(ctx: &Context, left: &Intent, begin: Begin) -> Result<Option<Running>> {
    let event = ctx.events.begin(begin).await?;
    if ctx.store.of::<Intent>().count(Filter::id(&left.id).and(Filter::eq("event", left.event))).await? == 0 {
        event.abort().await?;
        return Ok(None);
    }
    Ok(Some(event))
}

fn begin(target: Target, extra: Option<Target>, kind: &str) -> Begin {
    let extra = extra.into_iter().map(|target| ExtraTarget { target, lock: true }).collect();
    let allowed = Allowed { scheme: "app.read.events".into(), contexts: Vec::new() };
    Begin { extra, ..Begin::recovery(target, kind, allowed) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        config::{Config, File, Overrides},
        event::Event,
        provisioner::absent::Absent,
        store::{Sealer, Store, sqlite::Sqlite},
    };

    #[tokio::test]
    async fn what_was_settled_meanwhile_is_left_alone_and_no_event_says_otherwise() {
        let store = Store::new(Arc::new(Sqlite::in_memory().unwrap()), Sealer::clear());
        let config = Config::load(&File::default(), Overrides::default()).unwrap();
        let ctx = Context::new(config, store, Arc::new(Absent), tokio::runtime::Handle::current());
        let left = Intent {
            id: id("mysql", "db", ""),
            deed: Deed::Create,
            service: "mysql".into(),
            instance: "db".into(),
            pool: String::new(),
            app: String::new(),
            job: String::new(),
            user: String::new(),
            event: ObjectId::new(),
        };
        settle(&ctx, &left).await.unwrap();
        assert_eq!(ctx.store.of::<Event>().count(Filter::All).await.unwrap(), 0);
        // The next request about the same thing wrote down its own.
        let next = Intent { event: ObjectId::new(), ..left.clone() }.keep(&ctx).await.unwrap();
        settle(&ctx, &left).await.unwrap();
        assert_eq!(ctx.store.of::<Event>().count(Filter::All).await.unwrap(), 0);
        assert_eq!(ctx.store.of::<Intent>().count(Filter::eq("event", next.event)).await.unwrap(), 1);
        // Of what is left there is one.
        settle(&ctx, &next).await.unwrap();
        assert_eq!(ctx.store.of::<Event>().count(Filter::All).await.unwrap(), 1);
        assert_eq!(ctx.store.of::<Intent>().count(Filter::All).await.unwrap(), 0);
    }
}
