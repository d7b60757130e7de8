//! Changes the environment of jobs.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::own;
use crate::{
    app::{
        EnvVar,
        env::{SetEnvs, check_services},
    },
    context::Context,
    error::{Error, Result},
    event::Locked,
    job::{Job, run},
    output::Output,
    store::Update,
};

/// Sets variables, for the next run.
pub async fn set(ctx: &Context, job: &mut Locked<Job>, wanted: SetEnvs, out: &Output) -> Result<()> {
    check_services(&job.spec.service_envs, &wanted.vars).map_err(|e| Error::invalid(e.to_string()))?;
    if !wanted.vars.is_empty() {
        out.section(&format!("Setting {} new environment variables", wanted.vars.len()));
    }
    let mut vars = own(job);
    let kept: BTreeSet<&str> = wanted.vars.iter().map(|var| var.name.as_str()).collect();
    let unused: Vec<String> = match wanted.prune {
        true => vars.values().filter(|var| var.managed_by == wanted.managed_by && !kept.contains(var.name.as_str())).map(name).collect(),
        false => Vec::new(),
    };
    for name in unused {
        out.section(&format!("Pruning {name} from environment variables"));
        vars.remove(&name);
    }
    vars.extend(wanted.vars.into_iter().map(|var| (var.name.clone(), var)));
    change(ctx, job, vars).await
}

fn name(var: &EnvVar) -> String {
    var.name.clone()
}

/// Removes variables, for the next run. Names that are not there are fine.
pub async fn unset(ctx: &Context, job: &mut Locked<Job>, names: &[String], out: &Output) -> Result<()> {
    out.section(&format!("Unsetting {} environment variables", names.len()));
    let mut vars = own(job);
    vars.retain(|name, _| !names.contains(name));
    change(ctx, job, vars).await
}

async fn change(ctx: &Context, job: &mut Locked<Job>, vars: BTreeMap<String, EnvVar>) -> Result<()> {
    let (id, vars) = (job.id, vars.into_values().collect::<Vec<_>>());
    job.change(&ctx.store, id, Update::set("spec.envs", vars)).await?;
    run::ensure(ctx, job).await
}
