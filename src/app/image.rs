//! Images that this server made hold the files of an app or a job. A registry has one login for everybody: who may deploy from them is
//! looked at here, for images that are deployed and for those that a Dockerfile names.

use super::App;
use crate::{
    build::dockerfile,
    context::Context,
    error::{Error, Result},
    provisioner::{DynProvisioner, ImageOf, Source},
    store::Filter,
};

/// 400 unless this team may have what is in each image that a build from this begins with or takes files from. `own` is what it is for.
pub async fn check(ctx: &Context, provisioner: &DynProvisioner, source: &Source, (own, team): (&ImageOf, &str)) -> Result<()> {
    let images = match source {
        Source::Archive(file) if provisioner.runs_images() => {
            let file = file.clone();
            tokio::task::spawn_blocking(move || dockerfile::sources::images(&file)).await.map_err(Error::internal)??
        }
        Source::Archive(_) => return Ok(()),
        Source::Dockerfile { text, .. } => dockerfile::images(text)?,
        // A build service begins a Dockerfile with it: more than a name would be more of that file.
        Source::Image(image) => {
            let mut images = dockerfile::images(&format!("FROM {image}"))?;
            images.insert(image.clone());
            images
        }
    };
    for image in images {
        check_one(ctx, provisioner, &image, (own, team)).await?;
    }
    Ok(())
}

/// Its own app's, or one that it has access to.
async fn check_one(ctx: &Context, provisioner: &DynProvisioner, image: &str, (own, team): (&ImageOf, &str)) -> Result<()> {
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
