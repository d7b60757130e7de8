//! Removes apps. Each step may be repeated: a removal that was cut short is finished by the next call.

use bson::oid::ObjectId;

use super::{App, autoscale, rollout, router, version::AppVersions};
use crate::{
    clock::Time,
    context::Context,
    error::Result,
    event::Locked,
    output::Output,
    permission::{ContextType, holder},
    service,
    store::{Filter, Update},
    team, volume,
};

/// Stops the app and forgets it; the numbers of its versions are never used again.
pub async fn remove(ctx: &Context, app: &mut Locked<App>, out: &Output) -> Result<()> {
    out.section(&format!("Removing application {:?}...", app.name));
    out.write(&format!("\n ---> Stopping the app {:?}\n", app.name));
    service::unbind_all(ctx, app, out).await?;
    volume::unbind_all(ctx, app, out).await?;
    // Before the cluster forgets where the app is: routers look there.
    router::forget(ctx, app).await;
    // While the document is there, the call can be repeated: nothing is left running that nobody can name. The app's own log hears
    // nothing of this, because it goes too.
    let provisioner = rollout::provisioner(ctx, app).await?;
    provisioner.remove(&app.name, out).await?;
    if provisioner.runs_images() {
        // Before the versions are forgotten: their names are known nowhere else.
        provisioner.remove_images(&AppVersions::load(&ctx.store, &app.name).await?.images(), &[]).await;
    }
    forget_versions(ctx, &app.name).await?;
    autoscale::forget(ctx, &app.name).await?;
    holder::forget_context(&ctx.store, ContextType::App, &app.name).await?;
    ctx.store.of::<App>().delete(Filter::id(app.id)).await?;
    team::quota::release(&ctx.store, &app.team_owner, Some(&app.owner)).await?;
    out.section("Done removing application.");
    Ok(())
}

/// Keeps the counter.
async fn forget_versions(ctx: &Context, app: &str) -> Result<()> {
    let empty = Update::set("versions", bson::Document::new())
        .and_set("markedtoremoval", false)
        .and_set("updatedat", Time::now())
        .and_set("updatedhash", ObjectId::new().to_hex())
        .and_unset("lastsuccessfulversion");
    ctx.store.of::<AppVersions>().update(Filter::eq("appname", app), empty).await?;
    Ok(())
}
