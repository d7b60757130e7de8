//! Which teams have access to an app.

use crate::{
    app::App,
    context::Context,
    error::{Error, OrNotFound, Result},
    event::Locked,
    store::{Filter, Update},
    team::Team,
};

async fn known(ctx: &Context, team: &str) -> Result<()> {
    let known = ctx.store.of::<Team>().count(Filter::id(team)).await?;
    (known > 0).then_some(()).or_not_found("Team not found")
}

/// Gives a team access.
pub async fn grant(ctx: &Context, app: &mut Locked<App>, team: &str) -> Result<()> {
    known(ctx, team).await?;
    if app.teams.iter().any(|has| has == team) {
        return Err(Error::conflict("team already have access to this app"));
    }
    let id = app.id;
    app.change(&ctx.store, id, Update::add_to_set("teams", team)).await
}

/// Takes a team's access. One team always keeps it.
pub async fn revoke(ctx: &Context, app: &mut Locked<App>, team: &str) -> Result<()> {
    known(ctx, team).await?;
    if app.teams.len() == 1 {
        return Err(Error::Forbidden(
            "You can not revoke the access from this team, because it is the unique team with access to the app, and an app can not be \
             orphaned"
                .into(),
        ));
    }
    if !app.teams.iter().any(|has| has == team) {
        return Err(Error::not_found("team does not have access to this app"));
    }
    let id = app.id;
    app.change(&ctx.store, id, Update::pull("teams", team)).await
}
