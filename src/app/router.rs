//! Routers of apps. The router `local` reaches every app by its host names; others are told of the apps that have them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{App, AppRouter};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    pool::Pool,
    provisioner::AppState,
    router::{
        self, LOCAL, address,
        api::{Api, Backend, Health, Prefix},
    },
    store::{Filter, Update},
};

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

/// Takes a router from the app. `local` cannot be taken.
pub async fn remove(ctx: &Context, app: &mut Locked<App>, name: &str) -> Result<()> {
    let (gone, left): (Vec<AppRouter>, Vec<AppRouter>) = app.routers.iter().cloned().partition(|router| router.name == name);
    let gone = gone.first().ok_or_else(|| not_found(name))?;
    if name == LOCAL {
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
    match provisioner.state(&app.name).await?.filter(|state| !state.processes.is_empty()) {
        Some(state) => provisioner.apply(AppState { cnames: app.cname.clone(), ..state }, &Output::default()).await?,
        None => provisioner.set_cnames(&app.name, &app.cname).await?,
    }
    ensure(ctx, app, &Output::default()).await
}

/// True when there is something that routers could send requests to.
async fn runs(ctx: &Context, app: &App) -> Result<bool> {
    let provisioner = super::rollout::provisioner(ctx, app).await?;
    Ok(provisioner.state(&app.name).await?.is_some_and(|state| state.processes.iter().any(|process| process.units > 0)))
}

/// Has the app's routers know of it as it is now, if it runs.
pub async fn refresh(ctx: &Context, app: &App) -> Result<()> {
    let others = app.routers.iter().any(|router| router.name != LOCAL);
    if others && runs(ctx, app).await? { ensure(ctx, app, &Output::default()).await } else { Ok(()) }
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
    let router = router::find(ctx, &linked.name).await?;
    if router.is_local() {
        return Ok(());
    }
    let api = speaking(ctx, app, router.api(ctx)?).await?;
    api.ensure(&app.name, &backend(ctx, app, linked)).await?;
    // What it does not tell now is asked for again when somebody looks at the app.
    let told = api.addresses(&app.name).await.unwrap_or_default();
    address::keep(&ctx.store, &app.name, &linked.name, told.first().map_or("", String::as_str)).await
}

/// The router, told of pool and cluster when it wants to be.
pub(super) async fn speaking<'a>(ctx: &Context, app: &App, api: Api<'a>) -> Result<Api<'a>> {
    if !api.multi_cluster {
        return Ok(api);
    }
    let pool = Pool::load(&ctx.store, &app.pool).await?;
    Ok(api.also_saying(crate::cluster::headers(&ctx.store, &pool).await?))
}

fn backend(ctx: &Context, app: &App, linked: &AppRouter) -> Backend {
    let mut opts: BTreeMap<String, Value> = linked.opts.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    opts.insert("tsuru.io/app-pool".into(), app.pool.as_str().into());
    opts.insert("tsuru.io/app-teamowner".into(), app.team_owner.as_str().into());
    opts.insert("tsuru.io/app-teams".into(), app.teams.iter().map(String::as_str).collect());
    // This server passes requests for the app's own address on to its units.
    let target = [("host", ctx.provisioners.local().address(&app.name)), ("address", ctx.config.apps_listen.to_string())];
    Backend {
        opts,
        cnames: app.cname.clone(),
        team: app.team_owner.clone(),
        tags: app.tags.clone(),
        cert_issuers: issuers(app),
        prefixes: vec![Prefix { prefix: String::new(), target: target.map(|(name, value)| (name.to_owned(), value)).into() }],
        healthcheck: Health { path: String::new(), tcp_only: true },
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
        let router = router::find(ctx, &linked.name).await?;
        if router.is_local() { Ok(()) } else { speaking(ctx, app, router.api(ctx)?).await?.remove(&app.name).await }
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
        let api = speaking(ctx, app, router::find(ctx, name).await?.api(ctx)?).await?;
        let addresses = api.addresses(&app.name).await?;
        if addresses.is_empty() {
            return Ok(Reached { status: "not ready".into(), ..Reached::default() });
        }
        address::keep(&ctx.store, &app.name, name, addresses.first().map_or("", String::as_str)).await?;
        let status = api.status(&app.name).await?;
        Ok::<_, Error>(Reached { addresses, status: status.status, detail: status.detail })
    };
    asked.await.unwrap_or_else(|e| Reached { status: "not ready".into(), detail: e.to_string(), ..Reached::default() })
}
