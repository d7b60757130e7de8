//! Renews the leases of this server's events, passes on cancellations, and closes the events of servers that died.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bson::oid::ObjectId;

use super::{Event, Events, document::CancelInfo, log, unheard};
use crate::{
    clock::Time,
    error::Result,
    store::{Filter, Update},
};

/// How often logs are flushed and cancellations noticed.
const TICK: Duration = Duration::from_millis(500);

impl Events {
    /// Runs until dropped.
    pub async fn keep(self) {
        let (mut seen, mut renewed) = (Seen::default(), Instant::now());
        let mut tick = tokio::time::interval(TICK.min(self.patience.renewal));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let work = async {
                // First: where the machine or the store is slow, a lock is what must not be lost.
                let due = renewed.elapsed() >= self.patience.renewal;
                if due {
                    self.renew_all().await?;
                    renewed = Instant::now();
                }
                self.flush_logs().await?;
                self.pass_on_cancellations().await?;
                if due || seen.is_any_due(self.patience.lease) {
                    self.observe(&mut seen).await?;
                }
                Ok::<(), crate::error::Error>(())
            };
            if let Err(e) = work.await {
                tracing::warn!(error = %e, "events could not be kept; trying again");
            }
        }
    }

    /// Closes every running event of a store that only this server uses, before it serves: whoever ran them is gone.
    pub async fn close_interrupted(&self) -> Result<usize> {
        let running = self.store.of::<Event>().find(Filter::eq("running", true)).await?;
        for event in &running {
            self.close_dead(event, "interrupted: the server stopped while this was running".into()).await?;
        }
        Ok(running.len())
    }

    /// True while an event runs, here or at another server.
    pub async fn is_running(&self, id: ObjectId) -> Result<bool> {
        let running = Filter::id(id).and(Filter::eq("running", true));
        Ok(self.store.of::<Event>().count(running).await? > 0)
    }

    async fn flush_logs(&self) -> Result<()> {
        let logs: Vec<_> = self.lock().values().map(|handles| handles.log.clone()).collect();
        for log in logs {
            log.flush(&self.store).await?;
        }
        Ok(())
    }

    fn own(&self) -> Vec<ObjectId> {
        self.lock().keys().copied().collect()
    }

    async fn pass_on_cancellations(&self) -> Result<()> {
        let own = self.own();
        if own.is_empty() {
            return Ok(());
        }
        let asked = Filter::any_of("_id", own).and(Filter::eq("cancelinfo.asked", true)).and(Filter::eq("cancelinfo.canceled", false));
        for event in self.store.of::<Event>().find(asked).await? {
            let noticed = CancelInfo { ack_time: Time::now(), canceled: true, ..event.cancel_info };
            self.store.of::<Event>().update(Filter::id(event.id), Update::set("cancelinfo", noticed)).await?;
            if let Some(handles) = self.lock().get(&event.id) {
                handles.cancel.cancel();
            }
        }
        Ok(())
    }

    /// Remembers the renewal counters of other servers' events; one that stood still for a whole lease is closed.
    async fn observe(&self, seen: &mut Seen) -> Result<()> {
        let own = self.own();
        let running = self.store.of::<Event>().find(Filter::eq("running", true)).await?;
        let others: Vec<&Event> = running.iter().filter(|event| !own.contains(&event.id)).collect();
        if self.store.is_shared() {
            return self.close_expired(others).await;
        }
        for (event, age) in seen.still(Instant::now(), self.patience.lease, others) {
            self.close_dead(event, format!("event expired, no update for {}s", age.as_secs())).await?;
        }
        Ok(())
    }

    pub(super) async fn close_dead(&self, event: &Event, error: String) -> Result<()> {
        let lines = log::lines(&self.store, event.id).await?;
        let still = Filter::id(event.id).and(Filter::eq("running", true)).and(self.unchanged(event));
        let update = Update::set("running", false)
            .and_set("endtime", Time::now())
            .and_set("error", error)
            .and_set("structuredlog", lines)
            .and_set("unheard", true)
            .and_unset("lock");
        unheard::note(&self.store, event.id).await?;
        if self.store.of::<Event>().update(still, update).await?.is_some() {
            log::forget(&self.store, event.id).await?;
            self.metrics.abandoned();
            self.abandoned.send_replace(());
            tracing::warn!(event = event.id.to_hex(), kind = event.kind.name, "closed an event whose server is gone");
        }
        Ok(())
    }
}

/// The renewal counters of other servers' events, each with the time since when it has been seen so.
#[derive(Default)]
struct Seen {
    counters: HashMap<ObjectId, (i64, Instant)>,
    looked: Option<Instant>,
}

impl Seen {
    /// True when one has stood still for a lease, unless it was renewed since the last look.
    fn is_any_due(&self, lease: Duration) -> bool {
        self.counters.values().any(|(_, since)| since.elapsed() >= lease)
    }

    /// Takes note of these events; gives those that have not been renewed for a lease. Time without a look does not count; who did not
    /// look for a whole lease, because the store was away, counts anew: nobody could renew.
    fn still<'a>(&mut self, now: Instant, lease: Duration, events: Vec<&'a Event>) -> Vec<(&'a Event, Duration)> {
        let blind = self.looked.replace(now).map_or(Duration::ZERO, |looked| now.duration_since(looked)).saturating_sub(lease / 5);
        if blind > lease {
            self.counters.clear();
        }
        for (_, since) in self.counters.values_mut() {
            *since += blind;
        }
        self.counters.retain(|id, _| events.iter().any(|event| event.id == *id));
        let mut age = |event: &Event| {
            let seen = self.counters.entry(event.id).or_insert((event.renewals, now));
            if seen.0 != event.renewals {
                *seen = (event.renewals, now);
            }
            now.duration_since(seen.1)
        };
        let aged = events.into_iter().map(|event| (event, age(event)));
        aged.filter(|(_, age)| *age >= lease).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Allowed, Begin, Target, TargetType, begin::document};

    const LEASE: Duration = Duration::from_secs(15);

    fn event() -> Event {
        document(&Begin::recovery(Target::new(TargetType::App, "a"), "app.deploy", Allowed::default()))
    }

    /// Looks every three seconds; says after how many an event is given up.
    fn given_up(seen: &mut Seen, begun: Instant, renewals: impl Fn(u64) -> i64, seconds: impl Iterator<Item = u64>) -> Option<u64> {
        let mut event = event();
        for second in seconds {
            event.renewals = renewals(second);
            if !seen.still(begun + Duration::from_secs(second), LEASE, vec![&event]).is_empty() {
                return Some(second);
            }
        }
        None
    }

    #[test]
    fn an_event_that_is_not_renewed_is_given_up_after_the_lease() {
        let looks = || (0..60).step_by(3);
        assert_eq!(given_up(&mut Seen::default(), Instant::now(), |_| 1, looks()), Some(15));
        assert_eq!(given_up(&mut Seen::default(), Instant::now(), |second| i64::try_from(second / 12).unwrap(), looks()), None);
    }

    #[test]
    fn time_without_the_store_does_not_count() {
        let away = |until: u64| (0..13).step_by(3).chain((until..until + 30).step_by(3));
        assert_eq!(given_up(&mut Seen::default(), Instant::now(), |_| 1, away(40)), Some(55));
        // A server that was slow for a while goes on where it was: four of these seven seconds do not count.
        assert_eq!(given_up(&mut Seen::default(), Instant::now(), |_| 1, away(19)), Some(19));
    }
}
