//! Commands and shells in an app's environment.

use std::time::Duration;

use futures_util::FutureExt;

use super::{App, journal, rollout::Rollout};
use crate::{
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    provisioner::{AppState, RunRequest, Shell, ShellRequest, UnitStatus},
};

/// A command that runs longer is ended.
const LONGEST: Duration = Duration::from_secs(600);

/// Runs a command and streams what it prints, which also goes to the app's log.
pub async fn run(ctx: &Context, app: &Locked<App>, mut request: RunRequest, out: &Output) -> Result<()> {
    let known = Rollout::load(ctx, app, &Output::default()).await?;
    if request.isolated {
        request.fresh = Some(fresh(&known)?);
    } else if !known.provisioner.units(&app.name).iter().any(|unit| is_available(unit.status)) {
        return Err(Error::refused("App must be available to run non-isolated commands"));
    }
    let log = journal::with(ctx, &known.provisioner, &app.name, "app-run", &Output::default());
    log.line(&format!("running '{}'", request.command));
    let out = journal::with(ctx, &known.provisioner, &app.name, "app-run", out);
    let ran = app.event().unless_cancelled(tokio::time::timeout(LONGEST, known.provisioner.run(request, &out)).map(too_long));
    ran.await
}

fn fresh(known: &Rollout<'_>) -> Result<Box<AppState>> {
    Ok(Box::new(known.recipe().beside(known.versions.latest()?)))
}

fn too_long(ran: std::result::Result<Result<()>, tokio::time::error::Elapsed>) -> Result<()> {
    ran.unwrap_or_else(|_| Err(Error::refused("the command was ended: it ran for more than 10 minutes")))
}

fn is_available(status: UnitStatus) -> bool {
    matches!(status, UnitStatus::Started | UnitStatus::Starting | UnitStatus::Error)
}

/// Opens a shell in one of the app's own units, or in an environment of its own.
pub async fn shell(ctx: &Context, app: &Locked<App>, mut request: ShellRequest) -> Result<Shell> {
    let known = Rollout::load(ctx, app, &Output::default()).await?;
    request.fresh = Some(fresh(&known)?);
    if let Some(unit) = &request.unit
        && !request.isolated
        && !known.provisioner.units(&app.name).iter().any(|known| known.id == *unit)
    {
        return Err(Error::not_found(format!("unit {unit:?} not found")));
    }
    known.provisioner.shell(request).await
}
