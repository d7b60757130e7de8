//! `PUT /jobs/{name}`.

use actix_web::http::StatusCode;

use super::{create::Input, load, view::JobView};
use crate::{
    api::{Answer, Call, answer},
    error::Error,
    job::update::{self, Changes},
    permission::Context,
};

/// Changes a job.
pub async fn update(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    input.check()?;
    let job = load(&call).await?;
    // tsuru looks at the team only: whoever has the job, or its pool, may do everything else with it.
    call.permit("job.update", &[Context::team(&job.team_owner)])?;
    if !input.pool.is_empty() && input.pool != job.pool {
        return Err(Error::invalid("Update pool is not implemented yet"));
    }
    let mut job = call.record("job.update", job).await?;
    let done = update::update(&call.ctx, &mut job, changes(input)).await;
    let view = JobView::from(&*job);
    job.end(done).await?;
    answer::json_with(StatusCode::ACCEPTED, &view)
}

fn changes(input: Input) -> Changes {
    Changes {
        team_owner: input.team_owner,
        plan: input.plan,
        description: input.description,
        tags: input.tags,
        metadata: input.metadata,
        container: input.container.into(),
        schedule: input.schedule,
        manual: input.manual,
        active_deadline_seconds: input.active_deadline_seconds,
        concurrency_policy: input.concurrency_policy,
    }
}
