//! `POST /apps/{appname}/build`.

use super::{
    deploy::{early, in_this_app, load},
    upload::Form,
};
use crate::{
    api::{
        Answer, Call,
        record::Recording,
        stream::{self, Format},
    },
    app::deploy::{self, Options, Origin},
    error::Error,
    event::Subject,
};

/// Builds a tagged version without deploying it.
pub async fn build(mut call: Call) -> Answer {
    early(&mut call, &["app.build"]).await?;
    let form = Form::take(&mut call).await?;
    let tag = form.text("tag").to_owned();
    check_tag(&tag)?;
    let options = Options { tag, message: form.text("message").into(), origin: form.text("origin").into(), ..Options::default() };
    let what = form.origin()?;
    let app = load(&call).await?;
    call.permit("app.build", &app.contexts()).map_err(in_this_app)?;
    let kind = if matches!(what, Origin::Upload(_)) { "uploadbuild" } else { what.kind() };
    let user = call.caller()?.name.clone();
    let data = deploy::start_data(&app, &user, kind, &what, &options);
    let recording = Recording::of("app.build").cancelable().owned_by_user(&user).with_data(data);
    let app = call.record(recording, app).await.map_err(in_this_app)?;
    let answer = stream::run(&call.ctx, app, Format::Text("OK\n"), move |ctx, mut app, out| async move {
        let done = deploy::build(&ctx, &mut app, what, &options, &out).await;
        (app, done.map(|_| ()))
    });
    let mut answer = answer.await?;
    answer.headers_mut().remove("x-tsuru-eventid");
    Ok(answer)
}

/// A tag ends up in an image's name.
fn check_tag(tag: &str) -> Result<(), Error> {
    if tag.is_empty() {
        return Err(Error::invalid("you must specify the image tag."));
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let valid = tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-');
    // Numbers are what versions are called by.
    let number = tag.strip_prefix('v').unwrap_or(tag).chars().all(|c| c.is_ascii_digit());
    if valid && !number { Ok(()) } else { Err(Error::invalid(format!("invalid image tag {tag:?}"))) }
}
