//! `DELETE /apps/{app}`.

use crate::{
    api::{Answer, Call, stream},
    app::remove,
    event::Subject,
};

/// Removes an app.
pub async fn remove(mut call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.delete", &app.contexts())?;
    let app = call.record("app.delete", app).await?;
    stream::run(&call.ctx, app, stream::Format::Json, |ctx, mut app, out| async move {
        let done = remove::remove(&ctx, &mut app, &out).await;
        (app, done)
    })
    .await
}
