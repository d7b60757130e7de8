//! Makes apps. The document is the truth: quotas are reserved before it is there and counted again when the server starts, so that a
//! crash in between can only have counted too much.

use bson::oid::ObjectId;

use super::{App, AppRouter, EnvVar, Metadata, Process, env, process, wanted};
use crate::{
    auth::{Caller, CallerKind},
    context::Context,
    error::{Error, Result},
    event::Locked,
    names,
    permission::{ContextType, holder},
    plan,
    pool::{self, Pool},
    provisioner::AppState,
    quota::Quota,
    router,
    store::{Filter, StoreError},
    team,
};

/// What a new app is made from; empty texts: not said.
#[derive(Clone, Debug, Default)]
pub struct NewApp {
    /// Name.
    pub name: String,
    /// Owner.
    pub team: String,
    /// Platform's name and version.
    pub platform: (String, String),
    /// Plan.
    pub plan: String,
    /// Pool.
    pub pool: String,
    /// Router.
    pub router: String,
    /// Its options.
    pub router_opts: std::collections::BTreeMap<String, String>,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Labels and annotations.
    pub metadata: Metadata,
    /// What is special about single processes.
    pub processes: Vec<Process>,
}

/// 400 for a wrong name, 409 for a taken one.
pub async fn check_name(ctx: &Context, name: &str) -> Result<()> {
    names::check_app(name)?;
    let taken = ctx.store.of::<App>().count(Filter::eq("name", name)).await? > 0;
    if taken { Err(taken_name(name)) } else { Ok(()) }
}

fn taken_name(name: &str) -> Error {
    Error::conflict(format!("tsuru failed to create the app {name:?}: there is already an app with this name"))
}

/// Makes an app under the lock of its name.
pub async fn create(ctx: &Context, _lock: &Locked<()>, new: NewApp, caller: &Caller) -> Result<App> {
    new.metadata.check()?;
    process::check(&new.processes)?;
    let pool = pool::choose(&ctx.store, &new.team, Some(&new.pool)).await?;
    let provisioner = ctx.provisioner(&pool).await?;
    let app = document(ctx, new, &pool, caller).await?;
    let user = (caller.kind == CallerKind::User).then_some(caller.email.as_str());
    // Who held roles in an earlier app of this name does not hold them in this one.
    holder::forget_context(&ctx.store, ContextType::App, &app.name).await?;
    team::quota::reserve(&ctx.store, &app.team_owner, user, exceeded).await?;
    let inserted = match ctx.store.of::<App>().insert(&app).await {
        Ok(()) => Ok(()),
        Err(StoreError::Duplicate(_)) => Err(taken_name(&app.name)),
        Err(other) => Err(other.into()),
    };
    if let Err(e) = inserted {
        team::quota::release(&ctx.store, &app.team_owner, user).await?;
        return Err(e);
    }
    let place = wanted::place::of_app(&app, &pool, Vec::new(), Vec::new());
    let nothing = AppState { app: app.name.clone(), place, ..AppState::default() };
    if let Err(e) = provisioner.introduce(&nothing).await {
        tracing::warn!(app = app.name, error = %e, "a new app is not known to its cluster before its first deploy");
    }
    Ok(app)
}

/// The app as it will be stored, with everything that was not said chosen and everything checked.
async fn document(ctx: &Context, new: NewApp, pool: &Pool, caller: &Caller) -> Result<App> {
    let plan = plan::choose(&ctx.store, pool, Some(&new.plan)).await?;
    process::check_plans(&ctx.store, pool, &new.processes).await?;
    let router = router::choose(ctx, pool, Some(&new.router)).await?;
    if let Some(name) = &router {
        super::router::check_opts(name, &new.router_opts)?;
    }
    let limit = ctx.config.quota.units_per_app.unwrap_or(-1);
    let (platform, platform_version) = new.platform;
    Ok(App {
        id: ObjectId::new(),
        env: [own(env::APP_NAME, &new.name), own(env::APP_DIR_VAR, env::APP_DIR)].into(),
        service_envs: Vec::new(),
        platform,
        platform_version,
        cname: Vec::new(),
        cert_issuers: Default::default(),
        teams: vec![new.team.clone()],
        team_owner: new.team,
        owner: caller.email.clone(),
        plan,
        update_platform: false,
        pool: pool.name.clone(),
        description: new.description,
        deploys: 0,
        tags: tags(new.tags),
        error: String::new(),
        routers: router.map(|name| AppRouter { name, opts: super::router::said(new.router_opts) }).into_iter().collect(),
        old_router: String::new(),
        old_router_opts: Default::default(),
        uuid: String::new(),
        metadata: merged(new.metadata),
        processes: process::merge(&[], new.processes),
        quota: Quota::limited(limit),
        name: new.name,
        fence: 0,
    })
}

/// As tsuru stores the server's own variables; what units see is made anew each time.
fn own(name: &str, value: &str) -> (String, EnvVar) {
    (name.into(), EnvVar { name: name.into(), value: value.into(), ..EnvVar::default() })
}

fn merged(asked: Metadata) -> Metadata {
    let mut metadata = Metadata::default();
    metadata.merge(asked);
    metadata
}

/// Without spaces around, empty ones and doubles.
pub fn tags(asked: Vec<String>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in asked.iter().map(|tag| tag.trim()) {
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) {
            tags.push(tag.into());
        }
    }
    tags
}

fn exceeded(_: Option<Quota>) -> Error {
    Error::Forbidden("Quota exceeded".into())
}

#[cfg(test)]
mod tests {
    use super::tags;

    #[test]
    fn tags_are_trimmed_and_kept_once() {
        let asked = [" a ", "b", "", "a", "  "].map(str::to_owned).to_vec();
        assert_eq!(tags(asked), ["a", "b"]);
    }
}
