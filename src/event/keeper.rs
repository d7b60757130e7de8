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
        let (mut seen, mut renewed) = (HashMap::new(), Instant::now());
        let mut tick = tokio::time::interval(TICK.min(self.patience.renewal));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let work = async {
                self.flush_logs().await?;
                self.pass_on_cancellations().await?;
                if renewed.elapsed() >= self.patience.renewal {
                    self.renew().await?;
                    self.observe(&mut seen).await?;
                    renewed = Instant::now();
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

    async fn renew(&self) -> Result<()> {
        let own: Vec<_> = self.lock().iter().map(|(id, handles)| (*id, handles.fence)).collect();
        for (id, fence) in own {
            let ours = self.own_running(id, fence);
            let renewal = Update::set("lockupdatetime", Time::now()).and_inc("renewals", 1);
            let began = Instant::now();
            let renewed = self.store.of::<Event>().update(ours, renewal).await?.is_some();
            match self.lock().get(&id) {
                Some(handles) if renewed => handles.renewed_at(began),
                Some(handles) => {
                    self.metrics.lock_lost();
                    handles.lost.cancel();
                    handles.cancel.cancel();
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Remembers the renewal counters of other servers' events; one that stood still for a whole lease is closed.
    async fn observe(&self, seen: &mut HashMap<ObjectId, (i64, Instant)>) -> Result<()> {
        let own = self.own();
        let running = self.store.of::<Event>().find(Filter::eq("running", true)).await?;
        if self.store.is_shared() {
            return self.close_expired(running.iter().filter(|event| !own.contains(&event.id))).await;
        }
        seen.retain(|id, _| running.iter().any(|event| event.id == *id));
        for event in running.iter().filter(|event| !own.contains(&event.id)) {
            let entry = seen.entry(event.id).or_insert((event.renewals, Instant::now()));
            if entry.0 != event.renewals {
                *entry = (event.renewals, Instant::now());
            } else if entry.1.elapsed() >= self.patience.lease {
                let age = entry.1.elapsed().as_secs();
                self.close_dead(event, format!("event expired, no update for {age}s")).await?;
            }
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
            tracing::warn!(event = event.id.to_hex(), kind = event.kind.name, "closed an event whose server is gone");
        }
        Ok(())
    }
}
