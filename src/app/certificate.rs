//! Certificates of apps' host names. Routers keep them; this server passes them on and forgets them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    App,
    router::{Line, issuers},
};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    pool::{
        Pool,
        constraint::{Field, Rules},
    },
    provisioner::routes::Host,
    router,
    secret::Secret,
    store::Update,
    tls,
};

const NO_TLS: &str = "no router with tls support";

/// Certificate and issuer of a host name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shown {
    /// PEM; empty: none yet.
    pub certificate: String,
    /// Who makes it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub issuer: String,
}

/// Router to host name to certificate.
pub type Certificates = BTreeMap<String, BTreeMap<String, Shown>>;

/// The app's routers that take certificates.
async fn with_tls<'a>(ctx: &'a Context, app: &App) -> Result<Vec<(String, Line<'a>)>> {
    let mut found = Vec::new();
    for linked in &app.routers {
        if let Some(line) = Line::to(ctx, app, &linked.name).await?
            && line.supports_tls().await
        {
            found.push((linked.name.clone(), line));
        }
    }
    Ok(found)
}

/// The app's own addresses and its host names, as they may be written.
async fn names(ctx: &Context, app: &App) -> Vec<String> {
    let own = ctx.runs(app).address(&app.name);
    let mut names = app.cname.clone();
    names.extend(own.split(':').next().map(str::to_owned));
    for linked in app.routers.iter().filter(|linked| linked.name != router::LOCAL) {
        let found = super::router::look(ctx, app, &linked.name).await.addresses;
        let hosts = found.iter().map(|address| host(address));
        names.extend(hosts.flat_map(|host| [host, host.split(':').next().unwrap_or(host)]).map(str::to_owned));
    }
    names.push(own);
    // Where it does not answer yet, there is an address without a name.
    names.retain(|name| !name.is_empty());
    names
}

/// `example.org` of `https://example.org/x`.
fn host(address: &str) -> &str {
    address.split("://").last().unwrap_or_default().split('/').next().unwrap_or_default()
}

async fn check_name(ctx: &Context, app: &App, cname: &str) -> Result<()> {
    if names(ctx, app).await.iter().any(|name| name == cname) { Ok(()) } else { Err(Error::invalid("invalid name")) }
}

/// Whatever fails is the caller's fault to tsuru.
fn invalid(e: Error) -> Error {
    match e {
        Error::Refused(text) | Error::NotFound(text) => Error::Invalid(text),
        other => other,
    }
}

/// Gives the app's routers a certificate for a host name: all of them or none.
pub async fn set(ctx: &Context, app: &Locked<App>, cname: &str, certificate: &str, key: &Secret) -> Result<()> {
    check_name(ctx, app, cname).await?;
    tls::check(certificate, key, cname).map_err(Error::invalid)?;
    let (routers, at) = (with_tls(ctx, app).await.map_err(invalid)?, Host { app: &app.name, name: cname });
    for (_, line) in &routers {
        line.check_certificate(at).await.map_err(invalid)?;
    }
    // Those that had none: they can be left as they were. What others had cannot be had back from them, for want of its key.
    let mut new = Vec::new();
    for (position, (_, line)) in routers.iter().enumerate() {
        let is_last = position + 1 == routers.len();
        let had_none = !is_last && line.certificate(at).await.is_ok_and(|found| found.is_none());
        if let Err(e) = line.set_certificate(at, (certificate, key)).await {
            take_back(&new, at).await;
            return Err(invalid(e));
        }
        new.extend(had_none.then_some(line));
    }
    if routers.is_empty() { Err(Error::invalid(NO_TLS)) } else { Ok(()) }
}

/// Errors are only told to the log.
async fn take_back(lines: &[&Line<'_>], at: Host<'_>) {
    for line in lines {
        if let Err(e) = line.remove_certificate(at).await {
            tracing::warn!(app = at.app, cname = at.name, error = %e, "a certificate that another router refused was not taken back");
        }
    }
}

/// Takes it away, from all of them even where one has none: what one of them took away before another failed can be asked for again.
pub async fn unset(ctx: &Context, app: &Locked<App>, cname: &str) -> Result<()> {
    check_name(ctx, app, cname).await?;
    let routers = with_tls(ctx, app).await.map_err(invalid)?;
    let mut done = if routers.is_empty() { Err(Error::invalid(NO_TLS)) } else { Ok(()) };
    for (_, line) in &routers {
        let removed = line.remove_certificate(Host { app: &app.name, name: cname }).await.map_err(invalid);
        done = done.and(removed);
    }
    done
}

/// The certificates of all host names; 404 when there is none.
pub async fn list(ctx: &Context, app: &App) -> Result<Certificates> {
    let (issuers, names) = (issuers(app), names(ctx, app).await);
    let mut found = Certificates::new();
    for (router, line) in with_tls(ctx, app).await? {
        let mut own = BTreeMap::new();
        for name in &names {
            let wrapped = |e: Error| Error::refused(format!("error in router {router:?}: {e}"));
            let certificate = line.certificate(Host { app: &app.name, name }).await.map_err(wrapped)?.unwrap_or_default();
            let shown = Shown { certificate, issuer: issuers.get(name).cloned().unwrap_or_default() };
            if shown != Shown::default() {
                own.insert(name.clone(), shown);
            }
        }
        if !own.is_empty() {
            found.insert(router, own);
        }
    }
    if found.is_empty() { Err(Error::not_found(NO_TLS)) } else { Ok(found) }
}

fn check_cname(app: &App, cname: &str) -> Result<()> {
    let known = app.cname.iter().any(|known| known == cname);
    if known { Ok(()) } else { Err(Error::invalid(format!("cname does not exist in app ({cname})"))) }
}

fn place(cname: &str) -> String {
    format!("certissuers.{}", cname.replace('.', "_dot_"))
}

/// tsuru refuses with status 500.
async fn check_issuer(ctx: &Context, pool: &str, issuer: &str) -> Result<()> {
    let pool = Pool::load(&ctx.store, pool).await?;
    let rules = Rules::load(&ctx.store, &pool.name).await?;
    match rules.on(Field::CertIssuer) {
        Some(rule) if !rule.values.is_empty() && !rule.allows_by_name(issuer) => {
            let (which, issuers) = (if rule.blacklist { "not allowed" } else { "allowed" }, rule.values.join(", "));
            Err(Error::refused(format!("cert issuer not allowed by constraints of this pool. {which} values: {issuers}")))
        }
        _ => Ok(()),
    }
}

/// Has an issuer make the certificates of a host name.
pub async fn set_issuer(ctx: &Context, app: &mut Locked<App>, cname: &str, issuer: &str) -> Result<()> {
    check_cname(app, cname)?;
    check_issuer(ctx, &app.pool, issuer).await?;
    let (id, place) = (app.id, place(cname));
    let before = match issuers(app).remove(cname) {
        Some(before) => Update::set(place.clone(), before),
        None => Update::unset(place.clone()),
    };
    app.change(&ctx.store, id, Update::set(place, issuer)).await?;
    let done = super::router::refresh(ctx, app).await;
    if done.is_err() {
        app.change(&ctx.store, id, before).await?;
        super::router::take_back(ctx, app).await;
    }
    done
}

/// Has nobody make them.
pub async fn unset_issuer(ctx: &Context, app: &mut Locked<App>, cname: &str) -> Result<()> {
    check_cname(app, cname)?;
    let id = app.id;
    app.change(&ctx.store, id, Update::unset(place(cname))).await?;
    super::router::refresh(ctx, app).await
}
