//! `GET` and `PUT /services/{service}/manifest`

use actix_web::http::StatusCode;

use crate::{
    api::{Answer, Call, answer},
    error::Error,
    event::Subject,
    service::{Manifest, Service, manifest},
};

/// What can be done with the service's instances.
pub async fn get(call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("service")).await?;
    call.permit("service.update", &service.contexts())?;
    answer::json(&service.manifest)
}

/// Replaces that. Roles that hold what would go keep it from going: 409 with their names.
pub async fn set(mut call: Call) -> Answer {
    let service = Service::load(&call.ctx.store, call.var("service")).await?;
    call.permit("service.update", &service.contexts())?;
    let wanted: Manifest = call.input().await?;
    let mut service = call.record("service.update", service).await?;
    match manifest::set(&call.ctx, &mut service, wanted).await {
        Ok(None) => service.end(Ok(())).await.and_then(|()| answer::ok()),
        Ok(Some(conflicts)) => {
            let text = format!("manifest for service {:?} would orphan active dynamic grants", conflicts.service);
            // The caller reads the list; the event keeps the sentence.
            service.end::<()>(Err(Error::conflict(text))).await.ok();
            answer::json_with(StatusCode::CONFLICT, &conflicts)
        }
        Err(e) => service.end(Err(e)).await,
    }
}
