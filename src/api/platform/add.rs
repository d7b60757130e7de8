//! `POST /platforms`.

use super::{FILE, about, recording};
use crate::{
    api::{
        Answer, Call,
        stream::{self, Format},
    },
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    platform::{build, change},
};

/// Adds a platform that this server can build.
pub async fn add(mut call: Call) -> Answer {
    let (name, dockerfile) = asked(&mut call).await?;
    call.permit("platform.create", &[])?;
    let event = call.record_new(recording("platform.create"), about(&name)).await?;
    stream::run(&call.ctx, event, Format::Json, |ctx, event, out| async move {
        let done = work(&ctx, &event, &name, &dockerfile, &out).await;
        (event, done)
    })
    .await
}

async fn asked(call: &mut Call) -> Result<(String, String)> {
    if call.media_type() != "multipart/form-data" {
        return Err(Error::invalid("request Content-Type isn't multipart/form-data"));
    }
    let inputs = call.inputs().await?;
    let file = inputs.get(FILE).ok_or_else(|| Error::invalid("http: no such file"))?;
    if file.is_empty() {
        return Err(Error::invalid("Missing file content."));
    }
    Ok((inputs.text("name").to_owned(), file.to_owned()))
}

async fn work(ctx: &Context, event: &Locked<()>, name: &str, dockerfile: &str, out: &Output) -> Result<()> {
    change::check_name(name)?;
    build::add(ctx, event, name, dockerfile, out).await?;
    out.write("Platform successfully added!\n");
    Ok(())
}
