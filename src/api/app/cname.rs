//! `POST/DELETE /apps/{app}/cname`.

use crate::{
    api::{Answer, Call, answer},
    app::cname,
    error::{Error, Result},
    event::Subject,
};

async fn wanted(call: &mut Call) -> Result<Vec<String>> {
    let cnames: Vec<String> = call.inputs().await?.all("cname").map(str::to_owned).collect();
    if cnames.is_empty() { Err(Error::invalid("You must provide the cname.")) } else { Ok(cnames) }
}

/// Gives the app host names.
pub async fn add(mut call: Call) -> Answer {
    let cnames = wanted(&mut call).await?;
    let app = call.app().await?;
    call.permit("app.update.cname.add", &app.contexts())?;
    let mut app = call.record("app.update.cname.add", app).await?;
    let done = cname::add(&call.ctx, &mut app, &cnames).await;
    app.end(done).await?;
    answer::ok()
}

/// Takes host names from the app.
pub async fn remove(mut call: Call) -> Answer {
    let cnames = wanted(&mut call).await?;
    let app = call.app().await?;
    call.permit("app.update.cname.remove", &app.contexts())?;
    let mut app = call.record("app.update.cname.remove", app).await?;
    let done = cname::remove(&call.ctx, &mut app, &cnames).await;
    app.end(done).await?;
    answer::ok()
}
