//! `POST /platforms/{name}/rollback`.

use super::{about, recording};
use crate::{
    api::{
        Answer, Call,
        stream::{self, Format},
    },
    error::{Error, Result},
    platform::build,
};

/// Goes back to an earlier image of a platform.
pub async fn rollback(mut call: Call) -> Answer {
    let image = call.inputs().await?.text("image").to_owned();
    let version = version(&image)?;
    call.permit("platform.update", &[])?;
    let name = call.var("name").to_owned();
    let event = call.record_new(recording("platform.update"), about(&name)).await?;
    stream::run(&call.ctx, event, Format::Json, move |ctx, event, out| async move {
        let done = build::roll_back(&ctx, &event, &name, version, &out).await;
        if done.is_ok() {
            out.write("Platform successfully updated!\n");
        }
        (event, done)
    })
    .await
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
