//! `GET /events/{uuid}`.

use serde::Serialize;
use serde_json::Value;

use super::{
    data::{Raw, plain},
    id,
    view::EventView,
};
use crate::{
    api::{Answer, Call, answer},
    error::{Error, Result},
    event::{Allowed, list, log},
    permission::scheme,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InfoView {
    #[serde(flatten)]
    event: EventView,
    start_custom_data: Raw,
    end_custom_data: Raw,
    other_custom_data: Raw,
    custom_data: DataView,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DataView {
    start: Value,
    end: Value,
    other: Value,
}

/// One event with its log so far and its data.
pub async fn info(call: Call) -> Answer {
    let store = &call.ctx.store;
    let mut event = list::find(store, id(call.var("uuid"))?).await?;
    permit(&call, &event.allowed)?;
    if event.running {
        event.log = log::lines(store, event.id).await?;
    }
    let (start, end, other) = (event.start_data.take(), event.end_data.take(), event.other_data.take());
    answer::json(&InfoView {
        start_custom_data: Raw::of(start.as_ref()),
        end_custom_data: Raw::of(end.as_ref()),
        other_custom_data: Raw::of(other.as_ref()),
        custom_data: DataView { start: plain(start.as_ref()), end: plain(end.as_ref()), other: plain(other.as_ref()) },
        event: event.into(),
    })
}

/// 403 unless the caller holds what the event asks for. A permission that this server does not know is held by nobody.
pub(super) fn permit(call: &Call, allowed: &Allowed) -> Result<()> {
    let known = scheme::find(&allowed.scheme).ok_or_else(Error::forbidden)?;
    call.permit(known, &allowed.contexts)
}
