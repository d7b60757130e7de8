//! `DELETE /plans/{planname}`.

use crate::{
    api::{Answer, Call, answer, record::New},
    event::{Target, TargetType},
    plan::change,
};

/// Removes a plan.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("plan.delete", &[])?;
    let name = call.var("planname").to_owned();
    let new = New { target: Target::new(TargetType::Plan, &name), events_permission: "plan.read.events", contexts: Vec::new() };
    let event = call.record_new("plan.delete", new).await?;
    let done = change::remove(&call.ctx.store, &name).await;
    event.end(done).await?;
    answer::ok()
}
