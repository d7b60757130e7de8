//! Routers of apps. The embedded server has one, `local`, and it reaches every app by its host names.

use std::collections::BTreeMap;

use super::{App, AppRouter};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    provisioner::AppState,
    router,
    store::Update,
};

fn not_found(name: &str) -> Error {
    Error::not_found(format!("router {name:?} not found"))
}

/// 404 unless there is a router of this name.
pub fn check_known(name: &str) -> Result<()> {
    if router::all().iter().any(|router| router.name == name) { Ok(()) } else { Err(not_found(name)) }
}

fn is_linked(app: &App, name: &str) -> bool {
    app.routers.iter().any(|router| router.name == name)
}

/// 400 for options: `local` has none.
pub fn check_opts(name: &str, opts: &BTreeMap<String, String>) -> Result<()> {
    let Some((option, _)) = opts.iter().find(|(_, value)| !value.is_empty()) else { return Ok(()) };
    Err(Error::invalid(format!("router {name:?} has no option {option:?}")))
}

/// Has the app reached by a router.
pub async fn add(ctx: &Context, app: &mut Locked<App>, name: &str, opts: BTreeMap<String, String>) -> Result<()> {
    if is_linked(app, name) {
        return Err(Error::refused("router already linked to this app"));
    }
    check_opts(name, &opts)?;
    let new = AppRouter { name: name.into(), opts: BTreeMap::new() };
    let routers = [app.routers.clone(), vec![new]].concat();
    let id = app.id;
    app.change(&ctx.store, id, Update::set("routers", routers)).await
}

/// Sets the options of one of the app's routers.
pub fn set_opts(app: &Locked<App>, name: &str, opts: &BTreeMap<String, String>) -> Result<()> {
    if is_linked(app, name) { check_opts(name, opts) } else { Err(not_found(name)) }
}

/// Refuses to take the only router.
pub fn remove(app: &Locked<App>, name: &str) -> Result<()> {
    if !is_linked(app, name) {
        return Err(not_found(name));
    }
    Err(Error::invalid(format!("router {name:?} cannot be removed: on this server it reaches every app")))
}

/// Makes host names and units what they should be.
pub async fn rebuild(ctx: &Context, app: &Locked<App>) -> Result<()> {
    let provisioner = super::rollout::provisioner(ctx, app).await?;
    match provisioner.state(&app.name).await?.filter(|state| !state.processes.is_empty()) {
        Some(state) => provisioner.apply(AppState { cnames: app.cname.clone(), ..state }, &Output::default()).await,
        None => provisioner.set_cnames(&app.name, &app.cname).await,
    }
}
