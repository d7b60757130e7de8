//! Rollbacks, and which versions may be rolled back to.

use actix_web::HttpResponse;

use super::deploy::in_this_app;
use crate::{
    api::{
        Answer, Call, answer,
        extract::{Inputs, go::parse_bool},
        record::Recording,
        stream::{self, Format},
    },
    app::deploy::{self, Options, Origin},
    error::{Error, Result},
    event::Subject,
};

/// `POST /apps/{app}/deploy/rollback`.
pub async fn rollback(mut call: Call) -> Answer {
    let inputs = call.inputs().await?;
    let called = inputs.text("image").to_owned();
    if called.is_empty() {
        return Err(Error::invalid("you cannot rollback without an image name"));
    }
    let options = options(&inputs)?;
    let app = call.app().await?;
    call.permit("app.deploy.rollback", &app.contexts())?;
    let what = Origin::Image(called.clone());
    let user = call.caller()?.name.clone();
    let data = deploy::start_data(&app, &user, "rollback", &what, &options);
    let recording = Recording::of("app.deploy.rollback").as_kind("app.deploy").cancelable().owned_by_user(&user).with_data(data);
    let app = call.record(recording, app).await?;
    stream::run(&call.ctx, app, Format::Json, move |ctx, mut app, out| async move {
        let done = deploy::roll_back(&ctx, &mut app, &called, &options, &out).await;
        (app, done)
    })
    .await
}

pub(super) fn options(inputs: &Inputs) -> Result<Options> {
    let options = Options {
        origin: inputs.text("origin").into(),
        new_version: inputs.flag("new-version"),
        override_versions: inputs.flag("override-versions"),
        ..Options::default()
    };
    deploy::check_origin(&options.origin)?;
    Ok(options)
}

/// `PUT /apps/{app}/deploy/rollback/update`.
pub async fn update(mut call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.update.deploy.rollback", &app.contexts()).map_err(in_this_app)?;
    let inputs = call.inputs().await?;
    let (image, reason) = (inputs.text("image").to_owned(), inputs.text("reason").to_owned());
    if image.is_empty() {
        return Err(Error::invalid("you must specify an image"));
    }
    let disable = inputs.text("disable");
    let wrong = || Error::invalid(format!("Cannot set 'disable' status to: '{disable}', instead of 'true' or 'false'"));
    let disable = parse_bool(disable).ok_or_else(wrong)?;
    if disable && reason.is_empty() {
        return Err(Error::invalid("Reason cannot be empty while disabling a image rollback"));
    }
    let app = call.record("app.update.deploy.rollback", app).await?;
    let done = deploy::allow_rollback(&call.ctx, &app, &image, disable, &reason).await;
    app.end(done).await?;
    answer::ok()
}

/// `DELETE /apps/{app}/versions/{version}`.
pub async fn delete_version(mut call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.update", &app.contexts())?;
    let called = call.var("version").to_owned();
    let app = call.record(Recording::of("app.update").cancelable(), app).await?;
    let answer: HttpResponse = stream::run(&call.ctx, app, Format::Json, move |ctx, app, out| async move {
        let done = deploy::remove_version(&ctx, &app, &called, &out).await;
        (app, done)
    })
    .await?;
    Ok(answer)
}
