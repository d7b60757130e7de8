//! `PUT` and `DELETE /services/{service}/instances/permission/{instance}/{team}`

use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    service::{self, Instance},
};

/// Lets a team use an instance.
pub async fn grant(mut call: Call) -> Answer {
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    call.permit("service-instance.update.grant", &instance.contexts())?;
    let team = call.var("team").to_owned();
    let mut instance = call.record("service-instance.update.grant", instance).await?;
    let done = service::grant_instance(&call.ctx, &mut instance, &team).await;
    instance.end(done).await?;
    answer::ok()
}

/// Takes it from a team.
pub async fn revoke(mut call: Call) -> Answer {
    let instance = Instance::load(&call.ctx.store, call.var("service"), call.var("instance")).await?;
    call.permit("service-instance.update.revoke", &instance.contexts())?;
    let team = call.var("team").to_owned();
    let mut instance = call.record("service-instance.update.revoke", instance).await?;
    let done = service::revoke_instance(&call.ctx, &mut instance, &team).await;
    instance.end(done).await?;
    answer::ok()
}
