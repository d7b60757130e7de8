//! Routers of apps. The router `local` reaches every app of this machine by its host names; others are told of the apps that have them,
//! or are objects of the cluster that this server writes.

mod backend;
mod line;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

pub use line::Line;

use super::{App, AppRouter};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    provisioner::AppState,
    router::{self, LOCAL, Way, address},
    store::{Filter, Update},
};

/// Seconds between questions to a router where an app answers: clouds take minutes to make an address.
const PAUSES: [u64; 9] = [1, 2, 4, 8, 15, 30, 60, 120, 300];

fn not_found(name: &str) -> Error {
    Error::not_found(format!("router {name:?} not found"))
}

fn is_linked(app: &App, name: &str) -> bool {
    app.routers.iter().any(|router| router.name == name)
}

/// 400 for options of `local`: it has none.
pub fn check_opts(name: &str, opts: &BTreeMap<String, String>) -> Result<()> {
    let wrong = opts.iter().find(|(_, value)| name == LOCAL && !value.is_empty());
    wrong.map_or(Ok(()), |(option, _)| Err(Error::invalid(format!("router {name:?} has no option {option:?}"))))
}

/// Without the empty ones.
pub fn said(mut opts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    opts.retain(|name, value| !name.is_empty() && !value.is_empty());
    opts
}

/// Has the app reached by a router.
pub async fn add(ctx: &Context, app: &mut Locked<App>, name: &str, opts: BTreeMap<String, String>) -> Result<()> {
    if is_linked(app, name) {
        return Err(Error::refused("router already linked to this app"));
    }
    check_opts(name, &opts)?;
    check_cnames(ctx, app, name).await?;
    check_names(ctx, app, name).await?;
    let new = AppRouter { name: name.into(), opts: said(opts) };
    if runs(ctx, app).await? {
        ensure_one(ctx, app, &new).await?;
    }
    let routers = [app.routers.clone(), vec![new.clone()]].concat();
    let linked = set(ctx, app, routers).await;
    if linked.is_err() {
        forget_one(ctx, app, &new).await;
    }
    linked
}

/// The same host name may not be two apps' at one router.
async fn check_cnames(ctx: &Context, app: &App, router: &str) -> Result<()> {
    let same = Filter::any_of("cname", &app.cname).and(Filter::ne("name", &app.name)).and(Filter::eq("routers.name", router));
    let Some(other) = ctx.store.of::<App>().get(same).await? else { return Ok(()) };
    let cname = app.cname.iter().find(|cname| other.cname.contains(cname)).cloned().unwrap_or_default();
    Err(Error::refused(format!("cname {cname} already exists for app {} using router {router}", other.name)))
}

/// Two routers of an app may not write the same objects.
async fn check_names(ctx: &Context, app: &App, name: &str) -> Result<()> {
    let Way::Ingress(new) = router::find(ctx, name).await?.way(ctx)? else { return Ok(()) };
    for linked in app.routers.iter().filter(|linked| linked.name != LOCAL) {
        match router::find(ctx, &linked.name).await?.way(ctx)? {
            Way::Ingress(known) if known.collides(&new) => {
                let text =
                    format!("router {name:?} writes objects of the same names as {:?}: give one of them another `instance`", linked.name);
                return Err(Error::invalid(text));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn set(ctx: &Context, app: &mut Locked<App>, routers: Vec<AppRouter>) -> Result<()> {
    let id = app.id;
    // The old form is another place where tsuru looks.
    let old = Update::set("router", "").and_set("routeropts", BTreeMap::<String, String>::new());
    app.change(&ctx.store, id, Update::set("routers", routers).and(old)).await
}

/// Sets the options of one of the app's routers.
pub async fn set_opts(ctx: &Context, app: &mut Locked<App>, name: &str, opts: BTreeMap<String, String>) -> Result<()> {
    let mut routers = app.routers.clone();
    let linked = routers.iter_mut().find(|router| router.name == name).ok_or_else(|| not_found(name))?;
    check_opts(name, &opts)?;
    linked.opts = said(opts);
    let wanted = linked.clone();
    set(ctx, app, routers).await?;
    if runs(ctx, app).await? { ensure_one(ctx, app, &wanted).await } else { Ok(()) }
}

/// Takes a router from the app. `local` cannot be taken where it reaches all apps.
pub async fn remove(ctx: &Context, app: &mut Locked<App>, name: &str) -> Result<()> {
    let (gone, left): (Vec<AppRouter>, Vec<AppRouter>) = app.routers.iter().cloned().partition(|router| router.name == name);
    let gone = gone.first().ok_or_else(|| not_found(name))?;
    if name == LOCAL && super::rollout::provisioner(ctx, app).await?.name() == LOCAL {
        return Err(Error::invalid(format!("router {name:?} cannot be removed: on this server it reaches every app")));
    }
    set(ctx, app, left).await?;
    forget_one(ctx, app, gone).await;
    Ok(())
}

/// Conditions that the app's units wait for, as its routers want. A router that is gone wants none.
pub async fn gates(ctx: &Context, app: &App) -> Result<Vec<String>> {
    let mut gates = BTreeSet::new();
    for linked in app.routers.iter().filter(|linked| linked.name != LOCAL) {
        match router::find(ctx, &linked.name).await {
            Ok(router) => gates.extend(router.readiness_gates),
            Err(Error::NotFound(_)) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(gates.into_iter().collect())
}

/// Makes host names and units what they should be, and has all routers know.
pub async fn rebuild(ctx: &Context, app: &Locked<App>) -> Result<()> {
    let provisioner = super::rollout::provisioner(ctx, app).await?;
    if provisioner.routes()?.is_some() {
        return ensure(ctx, app, &Output::default()).await;
    }
    match provisioner.state(&app.name).await?.filter(|state| !state.processes.is_empty()) {
        Some(state) => {
            let want = AppState { cnames: app.cname.clone(), ..state };
            provisioner.apply(want, Arc::new(app.event().lease()), &Output::default()).await?;
        }
        None => provisioner.set_cnames(&app.name, &app.cname).await?,
    }
    ensure(ctx, app, &Output::default()).await
}

/// True when there is something that routers could send requests to.
async fn runs(ctx: &Context, app: &App) -> Result<bool> {
    let provisioner = super::rollout::provisioner(ctx, app).await?;
    if let Some(routes) = provisioner.routes()? {
        return Ok(!routes.targets(&app.name).await?.is_empty());
    }
    Ok(provisioner.state(&app.name).await?.is_some_and(|state| state.processes.iter().any(|process| process.units > 0)))
}

/// Has the app's routers know of it as it is now, if it runs.
pub async fn refresh(ctx: &Context, app: &App) -> Result<()> {
    let others = app.routers.iter().any(|router| router.name != LOCAL);
    if others && runs(ctx, app).await? { ensure(ctx, app, &Output::default()).await } else { Ok(()) }
}

/// Has routers that heard of a change which another one refused know the app as it was before. Errors are only told to the log.
pub async fn take_back(ctx: &Context, app: &App) {
    if let Err(e) = refresh(ctx, app).await {
        tracing::warn!(app = app.name, error = %e, "a router was not told that a change was taken back");
    }
}

/// Has the app's routers know of it as it is now.
pub async fn ensure(ctx: &Context, app: &App, out: &Output) -> Result<()> {
    let mut faults = Vec::new();
    for router in app.routers.iter().filter(|router| router.name != LOCAL) {
        out.line("");
        out.section(&format!("Updating router [{}]", router.name));
        faults.extend(ensure_one(ctx, app, router).await.err().map(|e| e.to_string()));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::refused(crate::error::joined(&faults))) }
}

async fn ensure_one(ctx: &Context, app: &App, linked: &AppRouter) -> Result<()> {
    let Some(line) = Line::to(ctx, app, &linked.name).await? else { return Ok(()) };
    let told = line.ensure(ctx, app, linked).await?;
    match (told.first(), line) {
        (Some(address), _) => address::keep(&ctx.store, &app.name, &linked.name, address).await,
        (None, Line::Cluster(..)) => address::forget(&ctx.store, &app.name, &linked.name).await,
        (None, Line::Api(_)) => {
            ctx.runtime.spawn(ask_later(ctx.clone(), app.name.clone(), linked.name.clone()));
            Ok(())
        }
    }
}

/// A router that does not know yet where an app answers is asked again until it does, or the app has it no more.
async fn ask_later(ctx: Context, app: String, name: String) {
    for pause in PAUSES {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        match App::load(&ctx.store, &app).await {
            Ok(app) if is_linked(&app, &name) && look(&ctx, &app, &name).await.addresses.is_empty() => {}
            _ => return,
        }
    }
}

/// By host names as they are written.
pub fn issuers(app: &App) -> BTreeMap<String, String> {
    app.cert_issuers.iter().map(|(cname, issuer)| (cname.replace("_dot_", "."), issuer.clone())).collect()
}

/// Errors are only told to the log: what is left at the router leads nowhere.
async fn forget_one(ctx: &Context, app: &App, linked: &AppRouter) {
    let forgotten = async {
        address::forget(&ctx.store, &app.name, &linked.name).await?;
        match Line::to(ctx, app, &linked.name).await? {
            Some(line) => line.remove(&app.name).await,
            None => Ok(()),
        }
    };
    if let Err(e) = forgotten.await {
        tracing::warn!(app = app.name, router = linked.name, error = %e, "a router could not be told to forget an app");
    }
}

/// Has all routers forget an app that goes.
pub async fn forget(ctx: &Context, app: &App) {
    for linked in app.routers.iter().filter(|router| router.name != LOCAL) {
        forget_one(ctx, app, linked).await;
    }
}

/// How an app is reached by a router that is not `local`.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// Where it answers.
    pub addresses: Vec<String>,
    /// `ready`, `not ready`.
    pub status: String,
    /// Why.
    pub detail: String,
}

/// What a router says of an app.
pub async fn look(ctx: &Context, app: &App, name: &str) -> Reached {
    let asked = async {
        let Some(line) = Line::to(ctx, app, name).await? else { return Ok(Reached::default()) };
        let found = line.look(&app.name).await?;
        address::keep(&ctx.store, &app.name, name, found.addresses.first().map_or("", String::as_str)).await?;
        Ok::<_, Error>(found)
    };
    asked.await.unwrap_or_else(|e| Reached { status: "not ready".into(), detail: e.to_string(), ..Reached::default() })
}
