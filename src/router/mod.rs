//! Routers: how requests from outside reach apps. The local one is this server; others speak the tsuru router HTTP API and come from the
//! settings or are made over the API.

pub mod address;
pub mod api;
mod choose;
pub mod dynamic;

pub use choose::choose;
pub use dynamic::DynamicRouter;

use serde_json::{Map, Value};

use crate::{
    context::Context,
    error::{Error, OrNotFound, Result},
    store::Filter,
};

/// The router of the local provisioner: this server passes requests on by host name.
pub const LOCAL: &str = "local";
/// The type of routers that speak the router HTTP API.
pub const API: &str = "api";
/// What clients say for "no router".
pub const NONE: &str = "none";

/// A router.
#[derive(Clone, Debug)]
pub struct Router {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: String,
    /// Apps without router get it.
    pub default: bool,
    /// It was made over the API.
    pub dynamic: bool,
    /// What it is spoken to with; may hold secrets.
    pub config: Option<Map<String, Value>>,
    /// Conditions that units wait for.
    pub readiness_gates: Vec<String>,
}

/// All routers, by name.
pub async fn all(ctx: &Context) -> Result<Vec<Router>> {
    let mut routers = configured(ctx);
    routers.extend(ctx.store.of::<DynamicRouter>().all().await?.iter().cloned().map(Router::from));
    routers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(routers)
}

/// Those of the settings, and where apps run on this machine the local one.
fn configured(ctx: &Context) -> Vec<Router> {
    let named = ctx.config.routers.iter().cloned().map(|settings| Router {
        name: settings.name,
        kind: settings.kind,
        default: settings.default,
        dynamic: false,
        config: Some(settings.config).filter(|config| !config.is_empty()),
        readiness_gates: settings.readiness_gates,
    });
    let default = !ctx.config.routers.iter().any(|router| router.default);
    let local = Router { name: LOCAL.into(), kind: LOCAL.into(), default, dynamic: false, config: None, readiness_gates: Vec::new() };
    named.chain((ctx.provisioners.local().name() == LOCAL).then_some(local)).collect()
}

/// The router of this name; 404 with tsuru's text.
pub async fn find(ctx: &Context, name: &str) -> Result<Router> {
    if let Some(router) = configured(ctx).into_iter().find(|router| router.name == name) {
        return Ok(router);
    }
    let made = ctx.store.of::<DynamicRouter>().get(Filter::id(name)).await?;
    made.map(Router::from).or_not_found(format!("router {name:?} not found"))
}

/// True for a name of the settings, which no router made over the API may have.
pub fn is_configured(ctx: &Context, name: &str) -> bool {
    configured(ctx).iter().any(|router| router.name == name)
}

impl Router {
    /// True for the one of the local provisioner.
    pub fn is_local(&self) -> bool {
        self.kind == LOCAL
    }

    /// How it is spoken to.
    pub fn api<'a>(&self, ctx: &'a Context) -> Result<api::Api<'a>> {
        match (&self.config, self.kind.as_str()) {
            (config, API) => api::Api::new(ctx, &self.name, config.as_ref().unwrap_or(&Map::new())),
            (_, kind) => Err(Error::refused(format!("unknown router: {kind:?}."))),
        }
    }
}
