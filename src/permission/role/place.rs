//! The things that roles are held in: they must be there when a role is given.

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    context::Context,
    error::{Error, OrNotFound, Result},
    permission::ContextType,
    pool::{Pool, names},
    router,
    store::{Document, Filter, Spec, Store},
    team::Team,
    user::User,
    volume::Volume,
};

/// A service instance, as far as roles care.
#[derive(Serialize, Deserialize)]
struct Instance {}

impl Document for Instance {
    const SPEC: &'static Spec = &Spec { name: "service_instances", indexes: &[], sealed: &[] };
}

/// A job, as far as roles care.
#[derive(Serialize, Deserialize)]
struct Job {}

impl Document for Job {
    const SPEC: &'static Spec = &Spec { name: "jobs", indexes: &[], sealed: &[] };
}

/// 400 unless there is a thing of this kind and name.
pub async fn check(ctx: &Context, kind: ContextType, value: &str) -> Result<()> {
    if kind == ContextType::Global {
        return Ok(());
    }
    if value.is_empty() {
        return Err(Error::invalid(format!("Global context value is not valid for role with context type {kind}")));
    }
    match there(ctx, kind, value).await {
        Err(Error::NotFound(text)) => Err(Error::Invalid(text)),
        other => other,
    }
}

async fn there(ctx: &Context, kind: ContextType, value: &str) -> Result<()> {
    let store = &ctx.store;
    match kind {
        ContextType::Global => Ok(()),
        ContextType::App => counted::<App>(store, Filter::eq("name", value)).await?.or_not_found("App not found"),
        ContextType::Team => Team::load(store, value).await.map(drop),
        ContextType::User => User::load(store, value).await.map(drop),
        ContextType::Pool => Pool::load(store, value).await.map(drop),
        ContextType::Service => {
            let known = names::services(store).await?.iter().any(|name| name == value);
            known.then_some(()).or_not_found("Service not found.")
        }
        ContextType::ServiceInstance => {
            counted::<Instance>(store, instance(value)).await?.or_not_found(format!("service instance {value}, not found"))
        }
        ContextType::Volume => Volume::load(store, value).await.map(drop),
        ContextType::Router => router::find(ctx, value).await.map(drop),
        ContextType::Job => counted::<Job>(store, Filter::eq("name", value)).await?.or_not_found("Job not found"),
    }
}

/// `service/instance`, or the instance's name alone.
fn instance(value: &str) -> Filter {
    match value.split_once('/') {
        Some((service, name)) => Filter::eq("service_name", service).and(Filter::eq("name", name)),
        None => Filter::eq("name", value),
    }
}

async fn counted<T: Document>(store: &Store, which: Filter) -> Result<Option<()>> {
    Ok((store.of::<T>().count(which).await? > 0).then_some(()))
}
