//! Begins and ends events.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bson::{Bson, oid::ObjectId};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    Allowed, Event, Events, Handles, Lease, Target, TargetType, block,
    document::{CancelInfo, Counter, ExtraTarget, Named},
    lease::{LOST, Renewed},
    log::EventLog,
    unheard,
};
use crate::{
    clock::Time,
    error::{Error, Result},
    output::Output,
    permission, request_id,
    store::{Filter, StoreError, Update},
};

/// A locked app is waited for so long; anything else refuses at once.
const APP_LOCK_WAIT: Duration = Duration::from_secs(10);
/// What a cancelled event ends with.
pub const CANCELED: &str = "canceled by user request";
const INTERRUPTED: &str = "interrupted before it was done";
/// An end that could not be written is written again after so long.
const CLOSE_AGAIN: Duration = Duration::from_secs(1);
const APP_LOCK_RETRY: Duration = Duration::from_millis(100);

/// What an event is begun with.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The thing.
    pub target: Target,
    /// Other things, locked or not.
    pub extra: Vec<ExtraTarget>,
    /// Kind: a permission's name.
    pub kind: String,
    /// Who.
    pub owner: Named,
    /// From where.
    pub source_ip: String,
    /// What was asked for, secrets masked.
    pub data: Option<Bson>,
    /// Who may see it.
    pub allowed: Allowed,
    /// Who may cancel it; `None`: nobody, it cannot be cancelled.
    pub allowed_cancel: Option<Allowed>,
    /// It takes the lock of its target.
    pub locks: bool,
}

impl Begin {
    /// What the server does by itself after a crash: nobody can cancel it.
    pub fn recovery(target: Target, kind: &str, allowed: Allowed) -> Self {
        Self {
            target,
            extra: Vec::new(),
            kind: kind.into(),
            owner: Named { kind: "internal".into(), name: "recovery".into() },
            source_ip: String::new(),
            data: None,
            allowed,
            allowed_cancel: None,
            locks: true,
        }
    }

    /// True when an app is among what it locks.
    fn locks_app(&self) -> bool {
        let extra = self.extra.iter().any(|extra| extra.lock && extra.target.kind == TargetType::App);
        self.target.kind == TargetType::App || extra
    }
}

impl Events {
    /// Begins an event: takes the lock, waiting for a locked app up to ten seconds.
    pub async fn begin(&self, begin: Begin) -> Result<Running> {
        let began = Instant::now();
        loop {
            match self.try_begin(&begin).await? {
                Ok(running) => {
                    self.waited(&begin, "taken", began);
                    return Ok(running);
                }
                Err(_) if begin.locks_app() && began.elapsed() < APP_LOCK_WAIT => tokio::time::sleep(APP_LOCK_RETRY).await,
                Err(refusal) => {
                    self.metrics.refused("locked");
                    self.waited(&begin, "refused", began);
                    return Err(refusal);
                }
            }
        }
    }

    fn waited(&self, begin: &Begin, outcome: &str, since: Instant) {
        if begin.locks {
            self.metrics.waited(&begin.target.kind.word(), outcome, since.elapsed());
        }
    }

    async fn try_begin(&self, begin: &Begin) -> Result<Result<Running, Error>> {
        if let Some(refusal) = self.throttled(begin).await? {
            self.metrics.refused("throttled");
            return Err(refusal);
        }
        if let Some(refusal) = block::refusal(&self.blocks.holding(&self.store).await?, begin) {
            return Err(self.blocked(begin, refusal).await?);
        }
        let event = Event { instance: self.instance.clone(), ..document(begin) };
        let asked = Renewed::now();
        match Box::pin(self.insert(&event)).await {
            Ok(()) => {}
            Err(StoreError::Duplicate(_)) => return Ok(Err(self.refusal(begin).await?)),
            Err(other) => return Err(other.into()),
        }
        // From here on it is closed whatever happens: a look that fails leaves no lock behind.
        let running = self.enrol(event, asked);
        if begin.locks
            && let Some(holder) = self.overlapping(begin, running.event.id).await?
        {
            running.abort().await?;
            return Ok(Err(locked_by(&holder)));
        }
        Ok(Ok(running))
    }

    /// A blocked event never begins; that it was tried is kept.
    async fn blocked(&self, begin: &Begin, refusal: Error) -> Result<Error> {
        let mut event = Event { instance: self.instance.clone(), ..document(begin) };
        (event.running, event.lock, event.error, event.end_time) = (false, None, refusal.to_string(), event.start_time);
        event.unheard = true;
        unheard::note(&self.store, event.id).await?;
        self.store.of::<Event>().insert(&event).await?;
        self.metrics.refused("blocked");
        Ok(refusal)
    }

    fn enrol(&self, event: Event, renewed: Renewed) -> Running {
        let log = Arc::new(EventLog::new(event.id));
        let (cancel, lost) = (CancellationToken::new(), CancellationToken::new());
        let handles = Handles { began: Instant::now(), cancel, lost, fence: Arc::default(), renewed: Arc::new(renewed), log };
        self.lock().insert(event.id, handles.clone());
        self.metrics.begun(counted_as(&event.kind.name));
        Running { events: self.clone(), event, handles, end_data: None, ended: false }
    }

    pub(super) async fn next_fence(&self) -> Result<i64> {
        if self.store.is_shared() {
            return Ok(0);
        }
        let counter = self.store.of::<Counter>().upsert(Filter::id("fence"), Update::inc("value", 1)).await?;
        Ok(counter.map_or(1, |counter| counter.value))
    }

    /// Another running event that holds one of our targets: as its own, or as a locked extra one.
    async fn overlapping(&self, begin: &Begin, own: ObjectId) -> Result<Option<Event>> {
        let targets: Vec<&Target> =
            std::iter::once(&begin.target).chain(begin.extra.iter().filter(|x| x.lock).map(|x| &x.target)).collect();
        let any: Vec<Filter> = targets
            .iter()
            .flat_map(|target| {
                let extra = ExtraTarget { target: (*target).clone(), lock: true };
                [Filter::eq("lock", target), Filter::eq("extratargets", extra)]
            })
            .collect();
        let running = Filter::eq("running", true).and(Filter::ne("_id", own)).and(Filter::exists("lock")).and(Filter::Or(any));
        Ok(self.store.of::<Event>().get(running).await?)
    }

    async fn refusal(&self, begin: &Begin) -> Result<Error> {
        let holder = self.store.of::<Event>().get(Filter::eq("lock", &begin.target)).await?;
        Ok(holder.map_or_else(|| Error::refused(format!("event locked: {}", describe(&begin.target))), |event| locked_by(&event)))
    }
}

fn describe(target: &Target) -> String {
    format!("{}({})", target.kind.word(), target.value)
}

fn locked_by(holder: &Event) -> Error {
    let (target, owner) = (describe(&holder.target), &holder.owner);
    let since = chrono::DateTime::from_timestamp_millis(holder.start_time.millis())
        .map_or_else(String::new, |t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    Error::refused(format!("event locked: {target} running {:?} start by {} {} at {since}", holder.kind.name, owner.kind, owner.name))
}

pub(super) fn document(begin: &Begin) -> Event {
    let (id, now) = (ObjectId::new(), Time::now());
    Event {
        id,
        unique_id: id,
        lock: begin.locks.then(|| begin.target.clone()),
        start_time: now,
        end_time: Time::zero(),
        target: begin.target.clone(),
        extra_targets: begin.extra.clone(),
        start_data: begin.data.clone(),
        end_data: None,
        other_data: None,
        kind: Named { kind: "permission".into(), name: begin.kind.clone() },
        owner: begin.owner.clone(),
        source_ip: begin.source_ip.clone(),
        lock_update_time: now,
        error: String::new(),
        log: Vec::new(),
        cancel_info: CancelInfo::default(),
        cancelable: begin.allowed_cancel.is_some(),
        running: true,
        allowed: begin.allowed.clone(),
        allowed_cancel: begin.allowed_cancel.clone().unwrap_or_default(),
        instance: None,
        renewals: 0,
        unheard: false,
    }
}

/// An event that runs. Dropping it without [`Running::end`] ends it as interrupted.
pub struct Running {
    events: Events,
    event: Event,
    handles: Handles,
    end_data: Option<Bson>,
    ended: bool,
}

impl Running {
    /// Its id, as `X-Tsuru-Eventid` shows it.
    pub fn id(&self) -> String {
        self.event.id.to_hex()
    }

    /// Who it belongs to.
    pub fn owner(&self) -> &Named {
        &self.event.owner
    }

    /// The number that writes under its lock carry. It is taken when the lock is, or later: so it is above those of all who held the
    /// lock before.
    pub async fn fence(&self) -> Result<i64> {
        let mut taken = self.handles.fence.lock().await;
        let fence = match *taken {
            Some(fence) => fence,
            None => self.events.next_fence().await?,
        };
        *taken = Some(fence);
        Ok(fence)
    }

    /// Its lock, for those who do its work.
    pub fn lease(&self) -> Lease {
        Lease::new(&self.events, self.event.id, &self.handles)
    }

    /// Refused when its lock is somebody else's.
    pub async fn check(&self) -> Result<()> {
        self.lease().held().await
    }

    /// Its log.
    pub fn output(&self) -> Output {
        Output::to(self.handles.log.clone())
    }

    /// Fires when somebody cancelled it, or its lock was lost.
    pub fn cancelled(&self) -> CancellationToken {
        self.handles.cancel.clone()
    }

    /// What came out of it, kept with its end.
    pub fn set_end_data(&mut self, data: &impl Serialize) {
        self.end_data = Some(crate::store::exact::bson(data));
    }

    /// Runs `work` until it ends or the event is cancelled.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.handles.cancel.cancelled() => Err(self.interruption()),
            done = work => done,
        }
    }

    fn interruption(&self) -> Error {
        let text = if self.handles.lost.is_cancelled() { LOST } else { CANCELED };
        Error::refused(text)
    }

    /// Ends it with the outcome of what was done, which it gives back.
    pub async fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        let error = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
        self.ended = true;
        close(&self.events, &self.event, &self.handles, error, self.end_data.take()).await;
        outcome
    }

    /// Forgets it: nothing was done. Where it cannot be removed it is ended, when that can be done.
    pub async fn abort(mut self) -> Result<()> {
        self.events.lock().remove(&self.event.id);
        self.events.store.of::<Event>().delete(Filter::id(self.event.id)).await?;
        self.ended = true;
        self.events.metrics.ended(counted_as(&self.event.kind.name), "withdrawn", self.handles.began.elapsed());
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (events, event, handles) = (self.events.clone(), self.event.clone(), self.handles.clone());
        let runtime = events.runtime.clone();
        runtime.spawn(request_id::carried(async move { close(&events, &event, &handles, INTERRUPTED.into(), None).await }));
    }
}

/// The kind that metrics count it as: actions that services define have names that people choose.
pub(super) fn counted_as(kind: &str) -> &'static str {
    let services = kind.starts_with("service-action.");
    permission::scheme::find(kind).unwrap_or(if services { "service-action" } else { "other" })
}

pub(super) fn outcome(error: &str) -> &'static str {
    match error {
        "" => "ok",
        CANCELED => "canceled",
        INTERRUPTED => "interrupted",
        _ => "error",
    }
}

/// Ends an event. While the store is away it goes on to hold its lock; its end is written when the store is back.
async fn close(events: &Events, event: &Event, handles: &Handles, error: String, end_data: Option<Bson>) {
    let closed = Box::pin(try_close(events, event, handles, &error, end_data.as_ref())).await;
    if !matches!(closed, Err(Error::Unavailable(_))) {
        return closed_or_given_up(events, event, closed);
    }
    let (events, event, handles, runtime) = (events.clone(), event.clone(), handles.clone(), events.runtime.clone());
    runtime.spawn(request_id::carried(async move {
        let mut closed = closed;
        while let Err(Error::Unavailable(_)) = closed {
            tokio::time::sleep(CLOSE_AGAIN).await;
            closed = try_close(&events, &event, &handles, &error, end_data.as_ref()).await;
        }
        closed_or_given_up(&events, &event, closed);
    }));
}

/// What can never be closed is not renewed any more.
fn closed_or_given_up(events: &Events, event: &Event, closed: Result<()>) {
    if let Err(e) = closed {
        tracing::error!(event = event.id.to_hex(), error = %e, "an event could not be closed; its lease will run out");
        events.lock().remove(&event.id);
    }
}

async fn try_close(events: &Events, event: &Event, handles: &Handles, error: &str, end_data: Option<&Bson>) -> Result<()> {
    let lines = handles.log.finish(&events.store).await?;
    let ended = outcome(error);
    let mut update = Update::set("running", false)
        .and_set("endtime", Time::now())
        .and_set("error", error)
        .and_set("structuredlog", lines)
        .and_set("unheard", true)
        .and_unset("lock");
    if let Some(data) = end_data {
        update = update.and_set("endcustomdata", data);
    }
    unheard::note(&events.store, event.id).await?;
    // By no means that gives it back as it is then: its log may be long.
    events.store.of::<Event>().update_many(Event::while_running(event.id), update).await?;
    handles.log.kept(&events.store).await?;
    events.metrics.ended(counted_as(&event.kind.name), ended, handles.began.elapsed());
    events.lock().remove(&event.id);
    events.ended.notify_one();
    if error == INTERRUPTED {
        events.abandoned.send_replace(());
    }
    Ok(())
}
