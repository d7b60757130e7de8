//! Removes jobs. Each step may be repeated: a removal that was cut short is finished by the next call.

use super::{Job, run};
use crate::{
    context::Context,
    error::Result,
    event::Locked,
    output::Output,
    permission::{ContextType, holder},
    service,
    store::Filter,
    team,
};

/// Ends what runs of the job and forgets it.
pub async fn remove(ctx: &Context, job: &mut Locked<Job>) -> Result<()> {
    service::unbind_job_all(ctx, job, &Output::default()).await?;
    run::provisioner(ctx, job).await?.remove_job(&job.key()).await?;
    holder::forget_context(&ctx.store, ContextType::Job, &job.name).await?;
    ctx.store.of::<Job>().delete(Filter::id(job.id)).await?;
    team::quota::release(&ctx.store, &job.team_owner, Some(&job.owner)).await
}
