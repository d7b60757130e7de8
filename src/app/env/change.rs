//! Sets and removes variables, each on its own: what others set at the same time stays.

use std::collections::BTreeSet;

use crate::{
    app::{
        App, EnvVar, ServiceEnvVar,
        rollout::{self, Which},
    },
    context::Context,
    error::{Error, Result, joined},
    event::Locked,
    names,
    output::Output,
    store::Update,
};

/// Variables to set.
#[derive(Debug, Default)]
pub struct SetEnvs {
    /// The variables.
    pub vars: Vec<EnvVar>,
    /// Who manages them.
    pub managed_by: String,
    /// Other variables of the same manager go.
    pub prune: bool,
    /// Units keep what they have until they are restarted.
    pub no_restart: bool,
}

/// Sets variables and restarts the app's units.
pub async fn set(ctx: &Context, app: &mut Locked<App>, wanted: SetEnvs, out: &Output) -> Result<()> {
    if !wanted.vars.is_empty() {
        out.section(&format!("Setting {} new environment variables", wanted.vars.len()));
    }
    check_services(&app.service_envs, &wanted.vars).inspect_err(|e| {
        out.section(&format!("environment variables have conflicts with service binds: {e}"));
    })?;
    let mut update = Update::default();
    for name in unused(app, &wanted) {
        out.section(&format!("Pruning {name} from environment variables"));
        update = update.and_unset(format!("env.{name}"));
    }
    let id = app.id;
    let update = wanted.vars.iter().fold(update, |update, var| update.and_set(format!("env.{}", var.name), var));
    app.change(&ctx.store, id, update).await?;
    if wanted.no_restart { Ok(()) } else { rollout::renew(ctx, app, &Which::all(), out).await }
}

/// Removes variables and restarts the app's units. Names that are not there are fine.
pub async fn unset(ctx: &Context, app: &mut Locked<App>, wanted: &[String], no_restart: bool, out: &Output) -> Result<()> {
    out.section(&format!("Unsetting {} environment variables", wanted.len()));
    // A name with a dot would reach into another variable.
    let there: BTreeSet<_> = wanted.iter().filter(|name| names::is_env(name) && app.env.contains_key(*name)).collect();
    let update = there.into_iter().fold(Update::default(), |update, name| update.and_unset(format!("env.{name}")));
    let id = app.id;
    app.change(&ctx.store, id, update).await?;
    if no_restart { Ok(()) } else { rollout::renew(ctx, app, &Which::all(), out).await }
}

/// Variables of the same manager that are not wanted any more.
fn unused<'a>(app: &'a App, wanted: &SetEnvs) -> Vec<&'a str> {
    if !wanted.prune {
        return Vec::new();
    }
    let kept: BTreeSet<&str> = wanted.vars.iter().map(|var| var.name.as_str()).collect();
    let managed = app.env.iter().filter(|(_, var)| var.managed_by == wanted.managed_by);
    managed.map(|(name, _)| name.as_str()).filter(|name| !kept.contains(name) && names::is_env(name)).collect()
}

/// Refuses variables that services have.
pub fn check_services(services: &[ServiceEnvVar], vars: &[EnvVar]) -> Result<()> {
    let taken = |var: &EnvVar| services.iter().find(|bound| bound.var.name == var.name);
    let faults: Vec<String> = vars
        .iter()
        .filter_map(taken)
        .map(|bound| {
            format!("Environment variable {:?} is already in use by service bind \"{}/{}\"", bound.var.name, bound.service, bound.instance)
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::refused(joined(&faults))) }
}
