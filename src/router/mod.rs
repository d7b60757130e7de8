//! Routers: how requests from outside reach apps. The local one is this server; others speak the tsuru router HTTP API, or are objects
//! that this server writes to clusters. They come from the settings or are made over the API.

pub mod address;
pub mod api;
mod choose;
pub mod dynamic;
pub mod ingress;

pub use choose::{choose, names_of};
pub use dynamic::DynamicRouter;

use serde_json::{Map, Value};

use crate::{
    config::Config,
    context::Context,
    error::{Error, OrNotFound, Result},
    provisioner::routes::Edge,
    store::Filter,
};

/// The router of the local provisioner: this server passes requests on by host name.
pub const LOCAL: &str = "local";
/// The type of routers that speak the router HTTP API.
pub const API: &str = "api";
/// The type of routers that are objects of clusters.
pub const INGRESS: &str = "ingress";
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
    /// How it does its work.
    pub fn way<'a>(&self, ctx: &'a Context) -> Result<Way<'a>> {
        let none = Map::new();
        let config = self.config.as_ref().unwrap_or(&none);
        match self.kind.as_str() {
            LOCAL => Ok(Way::Local),
            API => api::Api::new(ctx, &self.name, config).map(Way::Api),
            INGRESS => ingress::read(config).map(Way::Ingress),
            kind => Err(unknown(kind)),
        }
    }
}

/// How a router does its work.
pub enum Way<'a> {
    /// This server passes requests on.
    Local,
    /// It is told of apps.
    Api(api::Api<'a>),
    /// This server writes objects of the cluster.
    Ingress(Edge),
}

fn unknown(kind: &str) -> Error {
    Error::refused(format!("unknown router: {kind:?}."))
}

/// Refuses a type that there is not, or a configuration that cannot be of its type.
pub fn check(kind: &str, config: &Map<String, Value>) -> Result<()> {
    match kind {
        API => api::check(config),
        INGRESS => ingress::read(config).map(drop),
        other => Err(unknown(other)),
    }
}

/// Refuses settings with a router that cannot be.
pub fn check_settings(config: &Config) -> Result<()> {
    let told = |name: &str, e: Error| Error::invalid(format!("routers:{name}: {e}"));
    config.routers.iter().try_for_each(|router| check(&router.kind, &router.config).map_err(|e| told(&router.name, e)))
}
