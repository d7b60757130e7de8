//! `PUT /services/{name}`

use super::wish;
use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    service::{self, Service},
};

/// Replaces a service's address and credentials.
pub async fn update(mut call: Call) -> Answer {
    let wish = wish::read(&mut call).await?;
    let service = Service::load(&call.ctx.store, call.var("name")).await?;
    call.permit("service.update", &service.contexts())?;
    let mut service = call.record("service.update", service).await?;
    let done = service::update(&call.ctx, &mut service, wish).await;
    service.end(done).await?;
    answer::ok()
}
