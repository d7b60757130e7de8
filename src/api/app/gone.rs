//! Routes that tsuru gave up and whose words clients still know.

use actix_web::{HttpResponse, http::StatusCode};

use crate::{
    api::{Answer, Call, record::Recording},
    error::{Error, Result},
    event::Subject,
};

const ORIGINS: [&str; 6] = ["app-deploy", "git", "rollback", "drag-and-drop", "image", "rebuild"];

/// `POST /swap`.
pub async fn swap(_: Call) -> Answer {
    Err(Error::Precondition("swapping is deprecated".into()))
}

/// `POST /apps/{appname}/diff`.
pub async fn diff(_: Call) -> Answer {
    let mut gone = HttpResponse::build(StatusCode::GONE);
    gone.content_type("text/plain; charset=utf-8").insert_header(("X-Content-Type-Options", "nosniff"));
    Ok(gone.body("diff deploy is deprecated, this call does nothing\n"))
}

/// `POST /apps/{app}/deploy/rebuild`.
pub async fn rebuild(mut call: Call) -> Answer {
    let origin = call.inputs().await?.text("origin").to_owned();
    if !ORIGINS.contains(&origin.as_str()) {
        return Err(Error::invalid("Invalid deployment origin"));
    }
    let app = call.app().await?;
    call.permit("app.deploy", &app.contexts())?;
    let app = call.record(Recording::of("app.deploy").cancelable(), app).await?;
    let refused: Result<HttpResponse> = Err(Error::refused("\n---- ERROR during deploy: ----\napp rebuild is deprecated\n"));
    app.end(refused).await
}
