//! `GET/POST/DELETE /jobs/{name}/env`.

use super::load;
use crate::{
    api::{
        Answer, Call, answer,
        app::env::{EnvView, audit, checked},
        record::Recording,
        stream::{self, Format},
    },
    error::Error,
    event::Subject,
    job::env,
};

/// All variables, or those asked for; `null` when there are none.
pub async fn get(call: Call) -> Answer {
    let job = load(&call).await?;
    call.permit("job.read", &job.contexts())?;
    let asked: Vec<&str> = call.query.all("env").collect();
    let mut all = env::merged(&job);
    let vars: Vec<EnvView> = match asked.as_slice() {
        [] => all.into_values().map(EnvView::from).collect(),
        names => names.iter().filter_map(|name| all.remove(*name)).map(EnvView::from).collect(),
    };
    answer::json(&(!vars.is_empty()).then_some(vars))
}

/// Sets variables.
pub async fn set(mut call: Call) -> Answer {
    let wanted = checked(call.input().await?)?;
    let job = load(&call).await?;
    call.permit("job.update", &job.contexts())?;
    let data = audit(&mut call, &wanted.vars).await?;
    let job = call.record(Recording::of("job.update").with_data(data), job).await?;
    stream::run(&call.ctx, job, Format::Json, |ctx, mut job, out| async move {
        let done = env::set(&ctx, &mut job, wanted, &out).await;
        (job, done)
    })
    .await
}

/// Removes variables.
pub async fn unset(mut call: Call) -> Answer {
    let values = call.inputs().await?;
    let names: Vec<String> = values.all("env").map(str::to_owned).collect();
    if values.text("env").is_empty() {
        return Err(Error::invalid("You must provide the list of environment variables."));
    }
    let job = load(&call).await?;
    call.permit("job.update", &job.contexts())?;
    let job = call.record("job.update", job).await?;
    stream::run(&call.ctx, job, Format::Json, move |ctx, mut job, out| async move {
        let done = env::unset(&ctx, &mut job, &names, &out).await;
        (job, done)
    })
    .await
}
