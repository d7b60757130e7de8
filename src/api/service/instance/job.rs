//! `PUT` and `DELETE /services/{service}/instances/{instance}/jobs/{job}`

use bson::Bson;

use crate::{
    api::{
        Answer, Call, answer,
        record::Recording,
        stream::{self, Format},
    },
    error::{Error, Result},
    event::{Locked, Subject},
    job::Job,
    output::Output,
    pool::constraint,
    service::{self, Instance, Service},
};

/// Binds a job to an instance.
pub async fn bind(mut call: Call) -> Answer {
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    call.permit("service-instance.update.bind", &instance.bind_contexts())?;
    let job = Job::load(&call.ctx.store, call.var("job")).await?;
    call.permit("job.update", &job.contexts())?;
    constraint::check_service(&call.ctx.store, &job.pool, &instance.service_name).await.map_err(as_invalid)?;
    let recording = Recording::of("job.update").and_lock(instance.target()).with_data(Bson::Null);
    let (instance, mut job) = Box::pin(locked(&mut call, (instance, "service-instance.update.bind"), job, recording)).await?;
    let log = job.event().output();
    let done = service::bind_job(&call.ctx, &mut job, &instance, &log).await;
    job.end(done).await?;
    answer::ok()
}

/// Unbinds a job from an instance.
pub async fn unbind(mut call: Call) -> Answer {
    let force = call.inputs().await?.flag("force");
    let job = Job::load(&call.ctx.store, call.var("job")).await?;
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    call.permit("service-instance.update.unbind", &instance.bind_contexts())?;
    call.permit("job.update", &job.contexts())?;
    if force {
        let service = Service::load(&call.ctx.store, &instance.service_name).await?;
        call.permit("service.update", &service::owner_contexts(&service.owner_teams, &service.name))?;
    }
    let recording = Recording::of("job.update").and_lock(instance.target());
    let (instance, job) = Box::pin(locked(&mut call, (instance, "service-instance.update.unbind"), job, recording)).await?;
    stream::run(&call.ctx, job, Format::Json, move |ctx, mut job, out: Output| async move {
        let done = service::unbind_job(&ctx, &mut job, &instance, force, &out).await;
        (job, done)
    })
    .await
}

/// Both under the event's lock, loaded and permitted again.
async fn locked(
    call: &mut Call,
    (instance, permission): (Instance, &'static str),
    job: Job,
    recording: Recording,
) -> Result<(Instance, Locked<Job>)> {
    let job = call.record(recording, job).await?;
    let again = async {
        let instance = instance.reload(&call.ctx.store).await?;
        call.permit(permission, &instance.bind_contexts()).map(|()| instance)
    };
    match again.await {
        Ok(instance) => Ok((instance, job)),
        Err(e) => job.end(Err(e)).await,
    }
}

fn as_invalid(e: Error) -> Error {
    if let Error::Refused(text) = e { Error::Invalid(text) } else { e }
}
