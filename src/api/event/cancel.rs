//! `POST /events/{uuid}/cancel`.

use super::{id, info::permit};
use crate::{
    api::{Answer, Call, answer},
    error::Error,
    event::list,
};

/// Asks a running event to stop.
pub async fn cancel(mut call: Call) -> Answer {
    let event = list::find(&call.ctx.store, id(call.var("uuid"))?).await?;
    let reason = call.inputs().await?.text("reason").to_owned();
    if reason.is_empty() {
        return Err(Error::invalid("reason is mandatory"));
    }
    permit(&call, &event.allowed_cancel)?;
    list::cancel(&call.ctx.store, &event, &reason, &call.caller()?.name).await?;
    answer::no_content()
}
