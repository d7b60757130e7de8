//! `GET` and `PUT /services/{name}/doc`

use crate::{
    api::{Answer, Call, answer},
    event::Subject,
    service::{self, Service},
};

/// How to use a service.
pub async fn get(call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("name")).await?;
    if service.is_restricted {
        call.permit("service.read.doc", &service.user_contexts())?;
    }
    if service.doc.is_empty() { answer::ok() } else { answer::text(service.doc) }
}

/// Replaces that text.
pub async fn set(mut call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("name")).await?;
    call.permit("service.update.doc", &service.contexts())?;
    let doc = call.inputs().await?.text("doc").to_owned();
    let mut service = call.record("service.update.doc", service).await?;
    let done = service::set_doc(&call.ctx, &mut service, &doc).await;
    service.end(done).await?;
    answer::ok()
}
