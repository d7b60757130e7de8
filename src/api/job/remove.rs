//! `DELETE /jobs/{name}`.

use super::load;
use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    job,
};

/// Removes a job.
pub async fn remove(mut call: Call) -> Answer {
    let job = load(&call).await?;
    call.permit("job.delete", &job.contexts())?;
    let mut job = call.record("job.delete", job).await?;
    let done = job::remove(&call.ctx, &mut job).await;
    job.end(done).await?;
    answer::ok()
}
