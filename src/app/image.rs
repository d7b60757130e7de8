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
    let allowed = match provisioner.image_of(image).await? {
        None => true,
        Some(of) if of == *own => true,
        Some(ImageOf::App(name)) => {
            let app = ctx.store.of::<App>().get(Filter::eq("name", name)).await?;
            app.is_some_and(|app| app.team_owner == team || app.teams.iter().any(|other| other == team))
        }
        Some(ImageOf::Job(_)) => false,
    };
    if allowed { Ok(()) } else { Err(Error::invalid(format!("image {image:?} is not there for team {team:?}"))) }
}
