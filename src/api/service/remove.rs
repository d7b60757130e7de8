//! `DELETE /services/{name}`

use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    service::{self, Service},
};

/// Removes a service.
pub async fn remove(mut call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("name")).await?;
    call.permit("service.delete", &service.contexts())?;
    let service = call.record("service.delete", service).await?;
    let done = service::remove(&call.ctx, &service).await;
    service.end(done).await?;
    answer::ok()
}
