//! `POST /platforms/{name}/rollback`.

use super::{about, recording};
use crate::{
    api::{
        Answer, Call,
        stream::{self, Format},
    },
    error::{Error, Result},
    platform::Platform,
};

/// Goes back to an earlier image of a platform, which no provisioner of this server keeps.
pub async fn rollback(mut call: Call) -> Answer {
    let image = call.inputs().await?.text("image").to_owned();
    let version = version(&image)?;
    call.permit("platform.update", &[])?;
    let name = call.var("name").to_owned();
    let event = call.record_new(recording("platform.update"), about(&name)).await?;
    stream::run(&call.ctx, event, Format::Json, move |ctx, event, _| async move {
        let done = Platform::load(&ctx.store, &name).await.and_then(|platform| refuse(&platform, version));
        (event, done)
    })
    .await
}

fn refuse(platform: &Platform, version: i64) -> Result<()> {
    if version == 0 {
        return Err(Error::refused("Platform image is required."));
    }
    Err(Error::refused(format!(
        "platform {:?} is built into this server and has no image of version {version} to go back to",
        platform.name
    )))
}

fn version(image: &str) -> Result<i64> {
    if image.is_empty() {
        return Err(Error::invalid("you cannot rollback without an image name"));
    }
    let tag = || image.rsplit_once(':').and_then(|(_, tag)| tag.strip_prefix('v').unwrap_or(tag).parse().ok());
    image.parse().ok().or_else(tag).ok_or_else(|| Error::invalid(format!("invalid image version {image:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_or_an_images_tag() {
        assert_eq!(version("3").unwrap(), 3);
        assert_eq!(version("tsuru/python:v3").unwrap(), 3);
        assert_eq!(version("v1").unwrap_err().to_string(), "invalid image version \"v1\"");
    }
}
