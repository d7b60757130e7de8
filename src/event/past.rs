//! Events of what happened elsewhere: kept when they are over, in one write.

use std::time::Duration;

use bson::oid::ObjectId;
use serde::Serialize;

use super::{
    Begin, Event, Events,
    begin::{counted_as, document, outcome},
    block, unheard,
};
use crate::{
    clock::Time,
    error::Result,
    store::{StoreError, exact},
};

impl Events {
    /// Keeps an event that is over. False when one of this id is there already, or such events are blocked or too many.
    pub async fn keep_past(&self, begin: &Begin, id: ObjectId, error: String, data: &impl Serialize) -> Result<bool> {
        if self.throttled(begin).await?.is_some() || block::refusal(&self.blocks.holding(&self.store).await?, begin).is_some() {
            return Ok(false);
        }
        let event = Event {
            id,
            unique_id: id,
            end_time: Time::now(),
            end_data: Some(exact::bson(data)),
            error,
            running: false,
            instance: self.instance.clone(),
            unheard: true,
            ..document(begin)
        };
        unheard::note(&self.store, id).await?;
        match self.store.of::<Event>().insert(&event).await {
            Ok(()) => {}
            Err(StoreError::Duplicate(_)) => return Ok(false),
            Err(other) => return Err(other.into()),
        }
        let kind = counted_as(&begin.kind);
        self.metrics.begun(kind);
        self.metrics.ended(kind, outcome(&event.error), Duration::ZERO);
        self.ended.notify_one();
        Ok(true)
    }
}
