//! `PUT/DELETE /apps/{app}/teams/{team}`.

use crate::{
    api::{Answer, Call, answer},
    app::access,
    event::Subject,
};

/// Gives a team access.
pub async fn grant(mut call: Call) -> Answer {
    let team = call.var("team").to_owned();
    let app = call.app().await?;
    call.permit("app.update.grant", &app.contexts())?;
    let mut app = call.record("app.update.grant", app).await?;
    let done = access::grant(&call.ctx, &mut app, &team).await;
    app.end(done).await?;
    answer::ok()
}

/// Takes a team's access.
pub async fn revoke(mut call: Call) -> Answer {
    let team = call.var("team").to_owned();
    let app = call.app().await?;
    call.permit("app.update.revoke", &app.contexts())?;
    let mut app = call.record("app.update.revoke", app).await?;
    let done = access::revoke(&call.ctx, &mut app, &team).await;
    app.end(done).await?;
    answer::ok()
}
