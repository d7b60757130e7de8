//! The lock protocol of tsuru's server, for a database that both use: a running event's `lockupdatetime` is renewed; whoever finds one
//! that is older than five minutes ends it. There are no fences, so a holder stops writing well before others take its lock.

use std::time::Duration;

use super::{Event, Events};
use crate::{
    clock::Time,
    error::Result,
    store::{Filter, StoreError},
};

/// A lock that was not renewed for so long is anybody's.
pub(super) const EXPIRY: Duration = Duration::from_secs(300);
/// So long before, its holder writes nothing more.
pub(super) const MARGIN: Duration = Duration::from_secs(60);

impl Events {
    /// True of the event while nobody renewed it.
    pub(super) fn unchanged(&self, event: &Event) -> Filter {
        match self.store.is_shared() {
            true => Filter::eq("lockupdatetime", event.lock_update_time),
            false => Filter::eq("renewals", event.renewals),
        }
    }

    /// Stores an event; one that holds its lock although it is long dead makes room.
    pub(super) async fn insert(&self, event: &Event) -> Result<(), StoreError> {
        match self.store.of::<Event>().insert(event).await {
            Err(StoreError::Duplicate(index)) if self.store.is_shared() => {
                let holder = self.store.of::<Event>().get(Filter::eq("lock", &event.target)).await?;
                match holder {
                    Some(holder) if age(&holder) > EXPIRY => {
                        self.close_expired([&holder]).await.map_err(|e| StoreError::Fault(e.to_string()))?;
                        self.store.of::<Event>().insert(event).await
                    }
                    _ => Err(StoreError::Duplicate(index)),
                }
            }
            done => done,
        }
    }

    /// Ends those that nobody renewed for five minutes.
    pub(super) async fn close_expired(&self, running: impl IntoIterator<Item = &Event>) -> Result<()> {
        for event in running {
            let age = age(event);
            if age > EXPIRY {
                self.close_dead(event, format!("event expired, no update for {}m{}s", age.as_secs() / 60, age.as_secs() % 60)).await?;
            }
        }
        Ok(())
    }
}

fn age(event: &Event) -> Duration {
    let millis = Time::now().millis().saturating_sub(event.lock_update_time.millis());
    Duration::from_millis(millis.max(0).unsigned_abs())
}
