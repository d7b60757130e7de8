//! `POST /apps/{appname}/deploy`.

use actix_web::http::header::{HeaderName, HeaderValue};

use super::upload::{self, Form};
use crate::{
    api::{
        Answer, Call, error,
        record::Recording,
        stream::{self, Format},
    },
    app::{
        App,
        deploy::{self, Options},
    },
    error::{Error, OrNotFound, Result},
    event::Subject,
    store::Filter,
};

/// Every way to deploy something that is sent.
const WAYS: [&str; 4] = ["app.deploy.upload", "app.deploy.image", "app.deploy.dockerfile", "app.deploy.archive-url"];

/// Takes an archive, a Dockerfile, an image's name or an archive's address, and lets it serve.
pub async fn deploy(mut call: Call) -> Answer {
    early(&mut call, &WAYS).await?;
    let form = Form::take(&mut call).await?;
    let mut options = options(&form);
    let what = form.origin()?;
    if what.kind() == "image" {
        options.origin = "image".into();
    }
    deploy::check_origin(&options.origin)?;
    let app = load(&call).await?;
    call.permit(what.permission(), &app.contexts()).map_err(in_this_app)?;
    let user = call.caller()?.name.clone();
    let data = deploy::start_data(&app, &user, what.kind(), &what, &options);
    let recording = Recording::of(what.permission()).as_kind("app.deploy").cancelable().owned_by_user(&user).with_data(data);
    let app = call.record(recording, app).await.map_err(in_this_app)?;
    let event = app.event().id();
    let answer = stream::run(&call.ctx, app, Format::Text("\nOK\n"), move |ctx, mut app, out| async move {
        let done = deploy::deploy(&ctx, &mut app, what, &options, &out).await;
        (app, done)
    });
    with_event(answer.await, &event)
}

/// Nobody uploads gigabytes to an app that is not there or not theirs.
pub(super) async fn early(call: &mut Call, ways: &[&str]) -> Result<()> {
    let allowed = match load(call).await {
        Ok(app) => {
            let (caller, contexts) = (call.caller()?, app.contexts());
            let any = ways.iter().any(|way| caller.may(way, &contexts));
            if any { Ok(()) } else { Err(in_this_app(Error::forbidden())) }
        }
        Err(e) => Err(e),
    };
    if allowed.is_err() {
        upload::drain(call).await;
    }
    allowed
}

pub(super) async fn load(call: &Call) -> Result<App> {
    call.ctx.store.of::<App>().get(Filter::eq("name", call.var("appname"))).await?.or_not_found("App not found")
}

fn options(form: &Form) -> Options {
    Options {
        origin: form.text("origin").into(),
        message: form.text("message").into(),
        new_version: form.flag("new-version"),
        override_versions: form.flag("override-versions"),
        tag: String::new(),
    }
}

/// Deploys word a missing permission in their own way.
pub(super) fn in_this_app(e: Error) -> Error {
    match e {
        Error::Forbidden(_) => Error::Forbidden("User does not have permission to do this action in this app".into()),
        e => e,
    }
}

/// Also an error tells the event's id, once there is one.
pub fn with_event(answer: Answer, event: &str) -> Answer {
    let Err(e) = answer else { return answer };
    let mut response = error::response(&e);
    if let Ok(id) = HeaderValue::from_str(event) {
        response.headers_mut().insert(HeaderName::from_static("x-tsuru-eventid"), id);
    }
    Ok(response)
}
