//! `DELETE /platforms/{name}`.

use super::about;
use crate::{
    api::{Answer, Call, answer},
    platform::build,
};

/// Removes a platform.
pub async fn remove(mut call: Call) -> Answer {
    call.permit("platform.delete", &[])?;
    let name = call.var("name").to_owned();
    let event = call.record_new("platform.delete", about(&name)).await?;
    let done = build::remove(&call.ctx, &name).await;
    event.end(done).await?;
    answer::ok()
}
