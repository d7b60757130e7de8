//! `GET/PUT/DELETE /apps/{app}/certificate`, `PUT/DELETE /apps/{app}/certissuer`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    app::{
        App,
        certificate::{self, Shown},
    },
    error::{Error, Result},
    event::Subject,
    secret::Secret,
};

#[derive(Serialize)]
struct View {
    routers: BTreeMap<String, RouterView>,
}

#[derive(Serialize)]
struct RouterView {
    cnames: BTreeMap<String, Shown>,
}

/// The certificates of the app's host names.
pub async fn get(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read.certificate", &app.contexts())?;
    let found = certificate::list(&call.ctx, &app).await?;
    if call.is_at_least(1, 24) {
        let routers = found.into_iter().map(|(router, cnames)| (router, RouterView { cnames })).collect();
        return answer::json(&View { routers });
    }
    // Before 1.24: no issuers, and only what has a certificate.
    let only = |cnames: BTreeMap<String, Shown>| -> BTreeMap<String, String> {
        cnames.into_iter().filter(|(_, shown)| !shown.certificate.is_empty()).map(|(cname, shown)| (cname, shown.certificate)).collect()
    };
    let old: BTreeMap<String, BTreeMap<String, String>> = found.into_iter().map(|(router, cnames)| (router, only(cnames))).collect();
    answer::json(&old)
}

async fn load(call: &Call, permission: &'static str) -> Result<App> {
    let app = call.app().await?;
    call.permit(permission, &app.contexts())?;
    Ok(app)
}

fn named(cname: &str) -> Result<()> {
    if cname.is_empty() { Err(Error::invalid("You must provide a cname.")) } else { Ok(()) }
}

/// Sets a certificate.
pub async fn set(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let app = load(&call, "app.update.certificate.set").await?;
    let (cname, key) = (inputs.text("cname"), Secret::new(inputs.text("key")));
    named(cname)?;
    let app = call.record("app.update.certificate.set", app).await?;
    let done = certificate::set(&call.ctx, &app, cname, inputs.text("certificate"), &key).await;
    app.end(done).await?;
    answer::ok()
}

/// Forgets a certificate.
pub async fn unset(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let app = load(&call, "app.update.certificate.unset").await?;
    named(inputs.text("cname"))?;
    let app = call.record("app.update.certificate.unset", app).await?;
    let done = certificate::unset(&call.ctx, &app, inputs.text("cname")).await;
    app.end(done).await?;
    answer::ok()
}

/// Sets the issuer of a host name's certificates.
pub async fn set_issuer(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let (cname, issuer) = (inputs.text("cname"), inputs.text("issuer"));
    if cname.is_empty() || issuer.is_empty() {
        return Err(Error::invalid("You must provide a cname and a issuer."));
    }
    let app = load(&call, "certissuer.set").await?;
    let mut app = call.record("certissuer.set", app).await?;
    let done = certificate::set_issuer(&call.ctx, &mut app, cname, issuer).await;
    app.end(done).await?;
    answer::ok()
}

/// Forgets it.
pub async fn unset_issuer(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    named(inputs.text("cname"))?;
    let app = load(&call, "certissuer.unset").await?;
    let mut app = call.record("certissuer.unset", app).await?;
    let done = certificate::unset_issuer(&call.ctx, &mut app, inputs.text("cname")).await;
    app.end(done).await?;
    answer::ok()
}
