//! Makes, changes and removes services.

use std::collections::BTreeMap;

use super::{Instance, Service};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    names,
    permission::{ContextType, holder},
    secret::Secret,
    store::{Filter, Store, StoreError, Update},
    team::Team,
};

/// What a service should be.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Name.
    pub name: String,
    /// Login at the broker.
    pub username: String,
    /// Password at the broker.
    pub password: Secret,
    /// Addresses of the broker.
    pub endpoint: BTreeMap<String, String>,
    /// Teams that run it.
    pub owner_teams: Vec<String>,
    /// `form` or `json`; empty: as it was.
    pub encoding: String,
    /// Its instances live in a pool.
    pub multi_cluster: bool,
}

/// Makes a service.
pub async fn create(ctx: &Context, _lock: &Locked<()>, wish: Wish) -> Result<()> {
    if wish.name.is_empty() {
        return Err(Error::invalid("Service id is required"));
    }
    if !names::is_common(&wish.name) {
        let text = "Invalid service id, should have at most 40 characters, containing only lower case letters, numbers or dashes, starting \
                    with a letter.";
        return Err(Error::invalid(text));
    }
    check(&ctx.store, &wish).await?;
    let service = Service {
        name: wish.name,
        username: wish.username,
        password: wish.password,
        endpoint: wish.endpoint,
        owner_teams: wish.owner_teams,
        teams: Vec::new(),
        doc: String::new(),
        is_restricted: false,
        is_multi_cluster: wish.multi_cluster,
        encoding: wish.encoding,
        manifest: None,
    };
    match ctx.store.of::<Service>().insert(&service).await {
        Err(StoreError::Duplicate(_)) => Err(Error::conflict("Service already exists.")),
        other => Ok(other?),
    }
}

/// Replaces the broker's address and credentials, and owners and encoding when they are given.
pub async fn update(ctx: &Context, service: &mut Locked<Service>, mut wish: Wish) -> Result<()> {
    if wish.owner_teams.is_empty() {
        wish.owner_teams.clone_from(&service.owner_teams);
    }
    if wish.encoding.is_empty() {
        wish.encoding.clone_from(&service.encoding);
    }
    check(&ctx.store, &wish).await?;
    let update = Update::set("endpoint", wish.endpoint)
        .and_set("username", wish.username)
        .and_set("password", wish.password.expose())
        .and_set("encoding", wish.encoding)
        .and_set("owner_teams", wish.owner_teams);
    let name = service.name.clone();
    service.change(&ctx.store, name, update).await
}

/// Replaces the text about how to use it.
pub async fn set_doc(ctx: &Context, service: &mut Locked<Service>, doc: &str) -> Result<()> {
    let name = service.name.clone();
    service.change(&ctx.store, name, Update::set("doc", doc)).await
}

/// Removes a service that has no instances.
pub async fn remove(ctx: &Context, service: &Locked<Service>) -> Result<()> {
    if ctx.store.of::<Instance>().count(Filter::eq("service_name", &service.name)).await? > 0 {
        let text = "This service cannot be removed because it has instances.\nPlease remove these instances before removing the service.";
        return Err(Error::Forbidden(text.into()));
    }
    holder::forget_context(&ctx.store, ContextType::Service, &service.name).await?;
    ctx.store.of::<Service>().delete(Filter::id(&service.name)).await?;
    Ok(())
}

async fn check(store: &Store, wish: &Wish) -> Result<()> {
    let missing = match () {
        () if wish.password.is_empty() => "Service password is required",
        () if wish.endpoint.is_empty() => "At least one endpoint is required",
        () if wish.owner_teams.is_empty() => "At least one service team owner is required",
        () => "",
    };
    if !missing.is_empty() {
        return Err(Error::invalid(missing));
    }
    for team in &wish.owner_teams {
        if store.of::<Team>().count(Filter::id(team)).await? == 0 {
            return Err(Error::invalid("Team owner doesn't exist"));
        }
    }
    Ok(())
}
