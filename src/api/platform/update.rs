//! `PUT /platforms/{name}`.

use super::{FILE, about, recording};
use crate::{
    api::{
        Answer, Call,
        extract::{Inputs, go},
        stream::{self, Format},
    },
    context::Context,
    error::{Error, Result},
    event::Locked,
    output::Output,
    platform::{Platform, build, change},
};

/// Hides, shows or builds a platform anew.
pub async fn update(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    call.permit("platform.update", &[])?;
    let name = call.var("name").to_owned();
    let event = call.record_new(recording("platform.update"), about(&name)).await?;
    stream::run(&call.ctx, event, Format::Json, |ctx, event, out| async move {
        let done = work(&ctx, &event, &name, &inputs, &out).await;
        (event, done)
    })
    .await
}

async fn work(ctx: &Context, event: &Locked<()>, name: &str, inputs: &Inputs, out: &Output) -> Result<()> {
    Platform::load(&ctx.store, name).await?;
    let (file, disabled) = (inputs.text(FILE), inputs.text("disabled"));
    if file.is_empty() && disabled.is_empty() {
        return Err(Error::refused("either disabled or dockerfile must be provided"));
    }
    if !file.is_empty() {
        build::update(ctx, event, name, file, out).await?;
    }
    if !disabled.is_empty() {
        change::set_disabled(&ctx.store, name, go::parse_bool(disabled).unwrap_or(false)).await?;
    }
    out.write("Platform successfully updated!\n");
    Ok(())
}
