//! Going back to an earlier version, and which ones may be gone back to.

use super::{EndData, Options, counted, roll_out, tidy};
use crate::{
    app::{
        App, autoscale, intended,
        rollout::{Rollout, during, provisioner},
        version::{AppVersions, write},
    },
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    store::Update,
};

/// Lets an earlier version serve again; it is called as in [`AppVersions::find`].
pub async fn roll_back(ctx: &Context, app: &mut Locked<App>, called: &str, options: &Options, out: &Output) -> Result<()> {
    let deployed = counted(ctx, "rollback", Box::pin(made_to_serve(ctx, app, called, options, out))).await;
    intended::end_deploy(ctx, app).await;
    deployed
}

async fn made_to_serve(ctx: &Context, app: &mut Locked<App>, called: &str, options: &Options, out: &Output) -> Result<()> {
    app.set_end_data(&EndData::default());
    let rollout = Rollout::load(ctx, app, out).await?;
    intended::begin_deploy(ctx, app, &rollout.provisioner, true).await?;
    let others = roll_out::others(&rollout, options)?;
    let rolled = async {
        let version = rollout.versions.find(called)?;
        version.check_rollback()?;
        roll_out::serve(&rollout, version, others).await?;
        Ok(version.clone())
    };
    let version = rolled.await.map_err(|e| during("deploy", e))?;
    drop(rollout);
    roll_out::finish(ctx, app, &version, true).await
}

/// Lets people go back to a version, or not, with the reason why.
pub async fn allow_rollback(ctx: &Context, app: &Locked<App>, called: &str, disabled: bool, reason: &str) -> Result<()> {
    let versions = AppVersions::load(&ctx.store, &app.name).await?;
    let version = versions.find(called).map_err(|e| Error::invalid(e.to_string()))?.version;
    let update = Update::set("disabled", disabled).and_set("disabledreason", reason);
    write::change(&ctx.store, &app.name, version, update).await
}

/// Takes a version away: its units, its files, its name.
pub async fn remove_version(ctx: &Context, app: &Locked<App>, called: &str, out: &Output) -> Result<()> {
    let rollout = Rollout::load(ctx, app, out).await?;
    rollout.out.write(&format!("\n ---> Deleting version {called} of app {}\n", app.name));
    let removed = async {
        let version = rollout.versions.find(called)?;
        if let Some(before) = &rollout.before
            && before.processes.iter().any(|p| p.version == version.number())
        {
            let scaled = autoscale::processes_of(&rollout.provisioner, &app.name, version.number()).await?;
            rollout.apply(rollout.recipe().without(before, version.number())).await?;
            autoscale::end(&rollout.provisioner, &app.name, &scaled).await?;
        }
        tidy::forget(ctx, &provisioner(ctx, app).await?, &app.name, version.version).await
    };
    let done = removed.await;
    rollout.out.section(&format!("Done removing application version {called}."));
    done
}
