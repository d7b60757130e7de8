//! Routers that are made over the API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{API, INGRESS, Router, is_configured};
use crate::{
    context::Context,
    error::{Error, OrNotFound, Result},
    event::{Locked, Subject, Target, TargetType},
    permission::{Context as Place, ContextType, holder},
    store::{Document, Filter, Spec, Store, StoreError, Update, lenient},
};

/// A router as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DynamicRouter {
    /// Name.
    #[serde(rename = "_id")]
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Conditions that units wait for.
    #[serde(default, rename = "readinessgates", deserialize_with = "lenient::or_default")]
    pub readiness_gates: Vec<String>,
    /// `api-url`, `headers`, ...: sealed, headers may be passwords.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub config: Map<String, Value>,
}

impl Document for DynamicRouter {
    const SPEC: &'static Spec = &Spec { name: "dynamic_routers", indexes: &[], sealed: &["config"] };
}

impl From<DynamicRouter> for Router {
    fn from(made: DynamicRouter) -> Self {
        let config = Some(made.config).filter(|config| !config.is_empty());
        Self { name: made.name, kind: made.kind, default: false, dynamic: true, config, readiness_gates: made.readiness_gates }
    }
}

impl DynamicRouter {
    /// The router of this name; 404 with tsuru's text.
    pub async fn load(store: &Store, name: &str) -> Result<Self> {
        store.of::<Self>().get(Filter::id(name)).await?.or_not_found("dynamic router not found")
    }

    fn check(&self, ctx: &Context) -> Result<()> {
        if self.name.is_empty() || self.kind.is_empty() {
            return Err(Error::refused("dynamic router name and type are required"));
        }
        if ![API, INGRESS].contains(&self.kind.as_str()) {
            return Err(Error::refused(format!("router type {:?} is not registered", self.kind)));
        }
        if is_configured(ctx, &self.name) || self.name == super::NONE {
            return Err(Error::refused(format!("router named {:?} already exists in config", self.name)));
        }
        super::check(&self.kind, &self.config)
    }
}

impl Subject for DynamicRouter {
    fn target(&self) -> Target {
        Target::new(TargetType::Router, &self.name)
    }

    fn contexts(&self) -> Vec<Place> {
        vec![Place::new(ContextType::Router, &self.name)]
    }

    fn events_permission(&self) -> &'static str {
        "router.read.events"
    }

    async fn reload(&self, store: &Store) -> Result<Self> {
        Self::load(store, &self.name).await
    }
}

/// 409 when there is one of this name.
pub async fn check_new(ctx: &Context, name: &str) -> Result<()> {
    let taken = ctx.store.of::<DynamicRouter>().count(Filter::id(name)).await? > 0;
    if taken { Err(Error::conflict("dynamic router already exists")) } else { Ok(()) }
}

/// Makes a router. Who held roles in an earlier one of this name does not hold them in this one.
pub async fn create(ctx: &Context, _lock: &Locked<()>, router: &DynamicRouter) -> Result<()> {
    router.check(ctx)?;
    holder::forget_context(&ctx.store, ContextType::Router, &router.name).await?;
    match ctx.store.of::<DynamicRouter>().insert(router).await {
        Ok(()) => Ok(()),
        Err(StoreError::Duplicate(_)) => Err(Error::conflict("dynamic router already exists")),
        Err(other) => Err(other.into()),
    }
}

/// Changes type and keys of the configuration; null takes a key away.
pub async fn update(ctx: &Context, router: &Locked<DynamicRouter>, kind: &str, config: Map<String, Value>) -> Result<()> {
    let mut wanted = DynamicRouter::clone(router);
    if !kind.is_empty() {
        wanted.kind = kind.into();
    }
    for (key, value) in config {
        if value.is_null() { drop(wanted.config.remove(&key)) } else { drop(wanted.config.insert(key, value)) }
    }
    wanted.check(ctx)?;
    let update = Update::set("type", &wanted.kind).and_set("config", &wanted.config);
    ctx.store.of::<DynamicRouter>().update(Filter::id(&router.name), update).await?;
    Ok(())
}

/// Forgets a router and the roles held in it.
pub async fn remove(ctx: &Context, router: &Locked<DynamicRouter>) -> Result<()> {
    ctx.store.of::<DynamicRouter>().delete(Filter::id(&router.name)).await?;
    holder::forget_context(&ctx.store, ContextType::Router, &router.name).await
}
