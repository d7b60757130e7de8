//! Makes deliveries of events that ended.

use super::{Delivery, Webhook, filter::Ended};
use crate::{
    error::Result,
    event::unheard,
    store::{Filter, Find, Store},
};

/// Events looked at together.
const TOGETHER: i64 = 50;

/// Makes a delivery for each webhook that hears of an event that ended; true when there may be more such events.
pub async fn spread(store: &Store) -> Result<bool> {
    let oldest = Find { sort: Some(("_id", false)), skip: 0, limit: TOGETHER };
    let ended = store.of::<Ended>().find_with(unheard::filter(store, TOGETHER).await?, oldest).await?;
    if ended.is_empty() {
        return Ok(false);
    }
    let hooks = store.of::<Webhook>().find(Filter::All).await?;
    for event in &ended {
        for hook in hooks.iter().filter(|hook| hook.hears(event)) {
            Delivery::new(event.id, hook.id).keep(store).await?;
        }
    }
    unheard::heard(store, ended.iter().map(|event| event.id).collect()).await?;
    Ok(ended.len() as i64 == TOGETHER)
}
