//! A call that is to be made: kept until it was answered, or given up.

use std::time::Duration;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Time,
    error::Result,
    store::{Document, Filter, Find, Index, IndexKey, Spec, Store, StoreError, Update, lenient},
};

/// The first wait after a call that failed, in milliseconds; each next one is twice as long.
const FIRST_WAIT: i64 = 1_000;
const LONGEST_WAIT: i64 = 3_600_000;
/// A call that nobody answered for so long is given up.
const GIVE_UP: i64 = 24 * 3_600_000;
/// A claim that was not renewed for so long: its server is gone.
const CLAIM: i64 = 15_000;
/// How often a claim is renewed while its call lasts.
pub const RENEW: Duration = Duration::from_secs(4);

/// One event for one webhook, as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Event and webhook: there is one of each.
    #[serde(rename = "_id")]
    pub id: String,
    /// The event.
    pub event: ObjectId,
    /// The webhook.
    pub hook: ObjectId,
    /// How often it was tried.
    #[serde(default, deserialize_with = "lenient::int")]
    pub attempts: i64,
    /// Not before this; while it is tried: when another server may try.
    pub next: Time,
    /// Since when it waits.
    pub since: Time,
    /// Why the last try failed.
    #[serde(default)]
    pub error: String,
}

impl Document for Delivery {
    const SPEC: &'static Spec = &Spec {
        name: "impaas_webhook_deliveries",
        indexes: &[
            Index { keys: &[IndexKey("next", false)], unique: false, sparse: false },
            Index { keys: &[IndexKey("hook", false)], unique: false, sparse: false },
        ],
        sealed: &[],
    };
}

fn in_millis(wait: i64) -> Time {
    Time::from_millis(Time::now().millis().saturating_add(wait))
}

/// How long to wait after so many tries.
fn wait(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 20)).unwrap_or_default();
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

impl Delivery {
    /// To be tried at once.
    pub fn new(event: ObjectId, hook: ObjectId) -> Self {
        let now = Time::now();
        let id = format!("{}-{}", event.to_hex(), hook.to_hex());
        Self { id, event, hook, attempts: 0, next: now, since: now, error: String::new() }
    }

    /// Keeps it, unless it is there.
    pub async fn keep(&self, store: &Store) -> Result<()> {
        match store.of::<Self>().insert(self).await {
            Ok(()) | Err(StoreError::Duplicate(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Those whose time has come, the longest waiting first; not of these webhooks.
    pub async fn due(store: &Store, busy: &[ObjectId], most: i64) -> Result<Vec<Self>> {
        let find = Find { sort: Some(("next", false)), skip: 0, limit: most };
        let filter = Filter::lte("next", Time::now()).and(!Filter::any_of("hook", busy));
        Ok(store.of::<Self>().find_with(filter, find).await?)
    }

    /// Takes it, unless another server was faster.
    pub async fn claim(&self, store: &Store) -> Result<Option<Self>> {
        let untaken = self.ours().and(Filter::lte("next", Time::now()));
        Ok(store.of::<Self>().update(untaken, Update::inc("attempts", 1).and_set("next", in_millis(CLAIM))).await?)
    }

    /// Nobody else may try it yet: the call still lasts.
    pub async fn renew(&self, store: &Store) -> Result<()> {
        store.of::<Self>().update(self.ours(), Update::set("next", in_millis(CLAIM))).await?;
        Ok(())
    }

    fn ours(&self) -> Filter {
        Filter::id(&self.id).and(Filter::eq("attempts", self.attempts))
    }

    /// It is not needed any longer.
    pub async fn done(&self, store: &Store) -> Result<()> {
        store.of::<Self>().delete(Filter::id(&self.id)).await?;
        Ok(())
    }

    /// True when no other try follows.
    pub fn is_last(&self) -> bool {
        Time::now().millis() - self.since.millis() > GIVE_UP
    }

    /// It is tried again later, or given up.
    pub async fn failed(&self, store: &Store, why: &str) -> Result<()> {
        if self.is_last() {
            tracing::warn!(delivery = self.id, attempts = self.attempts, why, "a webhook's receiver did not answer for a day; given up");
            return self.done(store).await;
        }
        let why: String = why.chars().take(500).collect();
        let update = Update::set("next", in_millis(wait(self.attempts))).and_set("error", why);
        store.of::<Self>().update(self.ours(), update).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::wait;

    #[test]
    fn each_wait_is_twice_as_long_up_to_an_hour() {
        assert_eq!([1, 2, 3, 4].map(wait), [1_000, 2_000, 4_000, 8_000]);
        assert_eq!([13, 100, i64::MAX].map(wait), [3_600_000; 3]);
    }
}
