//! How sure a holder is of its lock. For a while after it was renewed nobody can have taken it; who was held up longer, because its process
//! was stopped or its machine slept, renews it before it goes on, and so learns whether it is its own.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use bson::oid::ObjectId;

use super::{Event, Events, Handles};
use crate::{
    clock::Time,
    error::{Error, Result},
    provisioner::hold::Hold,
    store::{Filter, Update, patient},
};

/// When a lock was renewed, by two clocks: one may stand still while the machine sleeps, the other one may be set.
pub(super) struct Renewed(Mutex<(Instant, SystemTime)>);

impl Renewed {
    /// At this moment.
    pub(super) fn now() -> Self {
        Self(Mutex::new(moment()))
    }

    fn at(&self, moment: (Instant, SystemTime)) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }

    fn age(&self) -> Duration {
        let (steady, said) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.elapsed().unwrap_or_default().max(steady.elapsed())
    }
}

fn moment() -> (Instant, SystemTime) {
    (Instant::now(), SystemTime::now())
}

/// The lock of an event that runs here, for those who do its work.
#[derive(Clone)]
pub struct Lease {
    events: Events,
    event: ObjectId,
    handles: Handles,
}

impl Lease {
    pub(super) fn new(events: &Events, event: ObjectId, handles: &Handles) -> Self {
        Self { events: events.clone(), event, handles: handles.clone() }
    }

    /// Refused when the lock is somebody else's. The store is asked only where it may be.
    pub async fn held(&self) -> Result<()> {
        if !self.is_sure() && !self.handles.lost.is_cancelled() {
            self.events.renew(self.event, &self.handles).await?;
        }
        if self.handles.lost.is_cancelled() { Err(Error::refused(LOST)) } else { Ok(()) }
    }

    /// Gives the event a number above all that were given so far. Refused when the lock is somebody else's.
    pub(super) async fn raise(&self) -> Result<()> {
        let fence = self.events.next_fence().await?;
        self.events.renew(self.event, &self.handles).await?;
        self.held().await?;
        *self.handles.fence.lock().await = Some(fence);
        Ok(())
    }
}

/// What is told to who lost it.
pub(super) const LOST: &str = "the lock of this event was lost: another server goes on with what it began";

#[async_trait]
impl Hold for Lease {
    fn is_sure(&self) -> bool {
        !self.handles.lost.is_cancelled() && self.handles.renewed.age() < self.events.sure_for()
    }

    async fn check(&self) -> Result<()> {
        // Work that has begun waits for a store that is away.
        patient(self.held()).await
    }
}

fn renewal() -> Update {
    Update::set("lockupdatetime", Time::now()).and_inc("renewals", 1)
}

impl Events {
    /// Renews the locks of all events that run here: at once, as long as none is lost.
    pub(super) async fn renew_all(&self) -> Result<()> {
        let own: Vec<_> = self.lock().iter().map(|(id, handles)| (*id, handles.clone())).collect();
        if own.is_empty() {
            return Ok(());
        }
        let (began, ids) = (moment(), own.iter().map(|(id, _)| *id));
        let running = Filter::any_of("_id", ids).and(Filter::eq("running", true));
        if self.store.of::<Event>().update_many(running, renewal()).await? == own.len() as u64 {
            own.iter().for_each(|(_, handles)| handles.renewed.at(began));
            return Ok(());
        }
        for (id, handles) in own {
            self.renew(id, &handles).await?;
        }
        Ok(())
    }

    /// Renews the lock of an event; one that cannot be renewed is lost.
    async fn renew(&self, event: ObjectId, handles: &Handles) -> Result<()> {
        let began = moment();
        if self.store.of::<Event>().update(Event::while_running(event), renewal()).await?.is_some() {
            handles.renewed.at(began);
        } else if !handles.lost.is_cancelled() {
            // One that ended just now lost nothing.
            if self.lock().contains_key(&event) {
                self.metrics.lock_lost();
            }
            handles.lost.cancel();
            handles.cancel.cancel();
        }
        Ok(())
    }

    /// Nobody else takes a lock that was renewed within this time, and there is some left to do one thing.
    fn sure_for(&self) -> Duration {
        if self.store.is_shared() { super::tsuru::EXPIRY - super::tsuru::MARGIN } else { self.patience.lease * 2 / 3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_went_by_on_either_clock_counts() {
        let hour = Duration::from_secs(3600);
        let (steady, said) = moment();
        let slept = Renewed(Mutex::new((steady, said - hour)));
        assert!(slept.age() >= hour);
        // A clock that was set back says nothing.
        let set_back = Renewed(Mutex::new((steady, said + hour)));
        assert!(set_back.age() < hour);
    }
}
