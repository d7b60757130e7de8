//! `GET/PUT/DELETE /apps/{app}/certificate`. The router `local` speaks no TLS.

use actix_web::HttpResponse;

use crate::{
    api::{Answer, Call},
    error::{Error, Result},
    event::Subject,
};

const NO_TLS: &str = "no router with tls support";

/// The certificates of the app's host names.
pub async fn get(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read.certificate", &app.contexts())?;
    Err(Error::not_found(NO_TLS))
}

/// Sets a certificate.
pub async fn set(call: Call) -> Answer {
    refuse(call, "app.update.certificate.set").await
}

/// Forgets a certificate.
pub async fn unset(call: Call) -> Answer {
    refuse(call, "app.update.certificate.unset").await
}

async fn refuse(mut call: Call, permission: &'static str) -> Answer {
    let cname = call.inputs().await?.text("cname").to_owned();
    let app = call.app().await?;
    call.permit(permission, &app.contexts())?;
    if cname.is_empty() {
        return Err(Error::invalid("You must provide a cname."));
    }
    let app = call.record(permission, app).await?;
    let own = call.ctx.provisioner.address(&app.name);
    let known = own == cname || app.cname.contains(&cname);
    let refused: Result<HttpResponse> = Err(Error::invalid(if known { NO_TLS } else { "invalid name" }));
    app.end(refused).await
}
