//! Binds jobs to instances and unbinds them: the broker, the job's environment and the instance's list of jobs, together or not at all.

use super::{
    Instance, Service,
    bind::{Failure, explained, is_of, say_unset, with, without},
    broker::{Asker, BoundJob, Broker, Fault},
    intent::{self, Deed, Intent},
};
use crate::{
    app::ServiceEnvVar,
    cluster::Cluster,
    context::Context,
    error::{Error, Result},
    event::Locked,
    job::{self, Job},
    output::Output,
    pool::Pool,
    store::{Filter, Update},
};

/// Binds the job. The event locks the instance too.
pub async fn bind_job(ctx: &Context, job: &mut Locked<Job>, instance: &Instance, out: &Output) -> Result<()> {
    match bound(ctx, job, instance, out).await {
        Ok(()) => Ok(()),
        Err(e) => Err(explained(ctx, instance, e).await),
    }
}

async fn bound(ctx: &Context, job: &mut Locked<Job>, instance: &Instance, out: &Output) -> Result<()> {
    let settled = intent::settle_bind_job(ctx, job, instance).await?;
    if !settled && instance.jobs.contains(&job.name) {
        return Err(Error::refused("job is already bound to this service instance"));
    }
    let asker = Asker::of(job.event());
    let intent = Intent::begin_job(ctx, Deed::Bind, instance, &job.name, &asker).await?;
    let done = join(ctx, job, instance, &asker, out).await;
    let undone = match &done {
        Ok(()) => true,
        // What the broker may still have is not forgotten before it said that it has it no more.
        Err(failure) if failure.at_broker => at_broker(ctx, instance, &job.name, &asker).await.is_ok(),
        Err(_) => true,
    };
    if undone {
        if done.is_err() {
            forget(ctx, job, instance).await?;
            job::ensure(ctx, job).await?;
        }
        intent.done(ctx).await?;
    }
    done.map_err(|failure| failure.error)
}

async fn join(ctx: &Context, job: &mut Locked<Job>, instance: &Instance, asker: &Asker, out: &Output) -> Result<(), Failure> {
    job.change_other::<Instance>(&ctx.store, instance.id, Update::add_to_set("jobs", &job.name)).await.map_err(Failure::before)?;
    let vars = ask(ctx, instance, job, asker).await?;
    if vars.is_empty() {
        return Ok(());
    }
    out.section(&format!("Setting {} new environment variables", vars.len() + 1));
    set_variables(ctx, job, with(&job.spec.service_envs, instance, vars)).await?;
    Ok(job::ensure(ctx, job).await?)
}

async fn ask(ctx: &Context, instance: &Instance, job: &Job, asker: &Asker) -> Result<std::collections::BTreeMap<String, String>, Fault> {
    let refused = |e: &dyn std::fmt::Display| Fault::refused(e.to_string());
    let found = ctx.store.of::<Service>().get(Filter::id(&instance.service_name)).await.map_err(|e| refused(&e))?;
    let service = found.ok_or_else(|| Fault::refused("Service not found"))?;
    let broker = Broker::in_pool(ctx, &service, &instance.pool).await.map_err(|e| refused(&e))?;
    let cluster = cluster(ctx, job).await.map_err(|e| refused(&e))?.map(|cluster| cluster.name).unwrap_or_default();
    broker.bind_job(instance, &BoundJob { name: &job.name, pool: &job.pool, cluster: &cluster }, asker).await
}

async fn cluster(ctx: &Context, job: &Job) -> Result<Option<Cluster>> {
    Cluster::of_pool(&ctx.store, &Pool::load(&ctx.store, &job.pool).await?).await
}

async fn set_variables(ctx: &Context, job: &mut Locked<Job>, all: Vec<ServiceEnvVar>) -> Result<()> {
    let id = job.id;
    job.change(&ctx.store, id, Update::set("spec.serviceenvs", all)).await
}

/// Unbinds the job. The event locks the instance too.
pub async fn unbind_job(ctx: &Context, job: &mut Locked<Job>, instance: &Instance, force: bool, out: &Output) -> Result<()> {
    intent::settle_bind_job(ctx, job, instance).await?;
    let bound = ctx.store.of::<Instance>().count(Filter::id(instance.id).and(Filter::eq("jobs", &job.name))).await? > 0;
    if !bound {
        return Err(Error::refused("job is not bound to this service instance"));
    }
    let asker = Asker::of(job.event());
    let intent = Intent::begin_job(ctx, Deed::Unbind, instance, &job.name, &asker).await?;
    match at_broker(ctx, instance, &job.name, &asker).await {
        Err(e) if force => out.line(&format!("[unbind-job-endpoint] ignored error due to force: {e}")),
        Err(e) => {
            // Nothing was changed here: it stays bound, whatever the broker did.
            intent.done(ctx).await?;
            return Err(e);
        }
        Ok(()) => {}
    }
    say_unset(&job.spec.service_envs, instance, out);
    forget(ctx, job, instance).await?;
    job::ensure(ctx, job).await?;
    intent.done(ctx).await?;
    out.write(&format!("\nInstance {:?} is not bound to the job {:?} anymore.\n", instance.name, job.name));
    Ok(())
}

/// Unbinds at the broker.
pub(super) async fn at_broker(ctx: &Context, instance: &Instance, job: &str, asker: &Asker) -> Result<()> {
    let Some(service) = ctx.store.of::<Service>().get(Filter::id(&instance.service_name)).await? else { return Ok(()) };
    let broker = Broker::in_pool(ctx, &service, &instance.pool).await?;
    Ok(broker.unbind_job(&instance.name, job, asker).await?)
}

/// Takes the instance's variables from the job and the job from the instance.
pub(super) async fn forget(ctx: &Context, job: &mut Locked<Job>, instance: &Instance) -> Result<()> {
    if job.spec.service_envs.iter().any(|var| is_of(var, instance)) {
        set_variables(ctx, job, without(&job.spec.service_envs, instance)).await?;
    }
    job.change_other::<Instance>(&ctx.store, instance.id, Update::pull("jobs", &job.name)).await.map(drop)
}

/// Unbinds a job that is being removed from everything. Brokers that fail are noted and do not hold up the removal.
pub async fn unbind_job_all(ctx: &Context, job: &mut Locked<Job>, out: &Output) -> Result<()> {
    for instance in Instance::of_job(&ctx.store, &job.name).await? {
        unbind_job(ctx, job, &instance, true, out).await?;
    }
    Ok(())
}
