//! Images that this server made hold the files of an app or a job. A registry has one login for everybody: who may deploy from them is
//! looked at here.

use super::App;
use crate::{
    context::Context,
    error::{Error, Result},
    provisioner::{DynProvisioner, ImageOf},
    store::Filter,
};

/// 400 unless this team may have what is in the image: its own app's, or one that it has access to. `own` is what it is for.
pub async fn check(ctx: &Context, provisioner: &DynProvisioner, image: &str, (own, team): (&ImageOf, &str)) -> Result<()> {
    match provisioner.image_of(image).await? {
        None => Ok(()),
        Some(of) if of == *own => Ok(()),
        Some(ImageOf::App(name)) => check_team(ctx, &name, image, team).await,
        Some(ImageOf::Job(_)) => Err(refused(image, team)),
    }
}

/// The files of an app are for the app's teams.
async fn check_team(ctx: &Context, app: &str, image: &str, team: &str) -> Result<()> {
    let app = ctx.store.of::<App>().get(Filter::eq("name", app)).await?;
    let allowed = app.is_some_and(|app| app.team_owner == team || app.teams.iter().any(|other| other == team));
    if allowed { Ok(()) } else { Err(refused(image, team)) }
}

fn refused(image: &str, team: &str) -> Error {
    Error::invalid(format!("image {image:?} is not there for team {team:?}"))
}
