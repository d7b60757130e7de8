//! What routers that speak the router HTTP API are told of an app.

use std::collections::BTreeMap;

use serde_json::Value;

use super::issuers;
use crate::{
    app::{App, AppRouter, rollout},
    context::Context,
    error::Result,
    provisioner::routes::Target,
    router::api::{Backend, Health, Prefix},
};

/// As the app is now.
pub async fn of(ctx: &Context, app: &App, linked: &AppRouter) -> Result<Backend> {
    let mut opts: BTreeMap<String, Value> = linked.opts.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    opts.insert("tsuru.io/app-pool".into(), app.pool.as_str().into());
    opts.insert("tsuru.io/app-teamowner".into(), app.team_owner.as_str().into());
    opts.insert("tsuru.io/app-teams".into(), app.teams.iter().map(String::as_str).collect());
    Ok(Backend {
        opts,
        cnames: app.cname.clone(),
        team: app.team_owner.clone(),
        tags: app.tags.clone(),
        cert_issuers: issuers(app),
        prefixes: prefixes(ctx, app).await?,
        healthcheck: Health { path: String::new(), tcp_only: true },
    })
}

async fn prefixes(ctx: &Context, app: &App) -> Result<Vec<Prefix>> {
    let provisioner = rollout::provisioner(ctx, app).await?;
    if let Some(routes) = provisioner.routes()? {
        return Ok(routes.targets(&app.name).await?.into_iter().map(in_cluster).collect());
    }
    // This server passes requests for the app's own address on to its units.
    let target = [("host", provisioner.address(&app.name)), ("address", ctx.config.apps_listen.to_string())];
    Ok(vec![Prefix { prefix: String::new(), target: target.map(|(name, value)| (name.to_owned(), value)).into() }])
}

fn in_cluster(target: Target) -> Prefix {
    let names = [("service", target.service), ("namespace", target.namespace)];
    Prefix { prefix: target.prefix, target: names.map(|(name, value)| (name.to_owned(), value)).into() }
}
