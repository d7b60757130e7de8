//! Makes the calls, in the background. A receiver that hangs holds a few calls of its own webhook and nothing else.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bson::oid::ObjectId;
use reqwest::Method;
use tokio::sync::Notify;

use super::{
    Delivery, SigningKey, Webhook,
    delivery::RENEW,
    filter::Ended,
    payload,
    send::{self, Message},
    spread::spread,
};
use crate::{
    clock::Time,
    context::Context,
    error::{Error, Result},
    event::Event,
    store::Filter,
};

/// Calls of one webhook at the same time.
const AT_ONCE: usize = 4;
/// How often what other servers left, and what failed, is looked for.
const LOOK: Duration = Duration::from_secs(2);
/// Events that end shortly after each other are looked at together; who waits for the answer to a change has the store to himself.
const GATHER: Duration = Duration::from_millis(100);
/// Deliveries looked at together.
const TOGETHER: i64 = 50;

/// Which webhooks are being called, how often at the same time.
#[derive(Clone, Default)]
struct Calls {
    running: Arc<Mutex<HashMap<ObjectId, usize>>>,
    freed: Arc<Notify>,
}

impl Calls {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectId, usize>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn busy(&self) -> Vec<ObjectId> {
        self.lock().iter().filter(|(_, calls)| **calls >= AT_ONCE).map(|(hook, _)| *hook).collect()
    }

    fn begin(&self, hook: ObjectId) -> Option<Call> {
        let mut running = self.lock();
        let calls = running.entry(hook).or_default();
        if *calls >= AT_ONCE {
            return None;
        }
        *calls += 1;
        Some(Call { calls: self.clone(), hook })
    }
}

/// A place among the calls of a webhook, given back when dropped.
struct Call {
    calls: Calls,
    hook: ObjectId,
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut running = self.calls.lock();
        if let Some(calls) = running.get_mut(&self.hook) {
            *calls -= 1;
        }
        running.retain(|_, calls| *calls > 0);
        drop(running);
        self.calls.freed.notify_one();
    }
}

/// Runs until dropped.
pub async fn keep(ctx: Context) {
    let calls = Calls::default();
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = ctx.events.ended().notified() => tokio::time::sleep(GATHER).await,
            () = calls.freed.notified() => {}
        }
        if let Err(e) = work(&ctx, &calls).await {
            tracing::warn!(error = %e, "webhooks could not be worked on; trying again");
        }
    }
}

async fn work(ctx: &Context, calls: &Calls) -> Result<()> {
    while spread(&ctx.store).await? {}
    loop {
        let due = Delivery::due(&ctx.store, &calls.busy(), TOGETHER).await?;
        if due.is_empty() {
            return Ok(());
        }
        for delivery in due {
            let Some(call) = calls.begin(delivery.hook) else { continue };
            let Some(delivery) = delivery.claim(&ctx.store).await? else { continue };
            let ctx = ctx.clone();
            tokio::spawn(async move {
                if let Err(e) = holding(&ctx, &delivery, deliver(&ctx, &delivery)).await {
                    tracing::warn!(error = %e, "what became of a webhook's call could not be kept; it will be made again");
                }
                drop(call);
            });
        }
    }
}

/// Renews the claim while the call lasts: a server that dies leaves it to the others, or to its next start, soon.
async fn holding<T>(ctx: &Context, delivery: &Delivery, call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    loop {
        match tokio::time::timeout(RENEW, &mut call).await {
            Ok(done) => return done,
            Err(_) => {
                if let Err(e) = delivery.renew(&ctx.store).await {
                    tracing::warn!(error = %e, "a webhook's call that still lasts could not be kept; it may be made again");
                }
            }
        }
    }
}

/// Calls once, and keeps what became of it.
async fn deliver(ctx: &Context, delivery: &Delivery) -> Result<()> {
    let Some((hook, event)) = wanted(ctx, delivery).await? else { return delivery.done(&ctx.store).await };
    let method = if hook.method.is_empty() { "POST".to_owned() } else { hook.method.to_uppercase() };
    let (body, is_event) = match payload::body(&hook, &method, event) {
        Ok(body) => body,
        Err(why) => {
            // Another try would end the same.
            tracing::warn!(webhook = hook.name, why, "the template of a webhook's body cannot be filled in for an event; it is left out");
            return delivery.done(&ctx.store).await;
        }
    };
    let key = SigningKey::load(&ctx.store).await?;
    let method = Method::from_bytes(method.as_bytes()).map_err(Error::internal)?;
    let message = Message { id: &delivery.id, timestamp: Time::now().millis() / 1000, method, body, is_event };
    let began = Instant::now();
    let sent = send::send(&ctx.config, &hook, &key, message).await;
    let outcome = match &sent {
        Ok(()) => "delivered",
        Err(_) if delivery.is_last() => "given_up",
        Err(_) => "failed",
    };
    ctx.metrics.webhooks.done(outcome, began.elapsed());
    match sent {
        Ok(()) => delivery.done(&ctx.store).await,
        Err(why) => {
            tracing::debug!(webhook = hook.name, attempt = delivery.attempts, error = %why, "a webhook's call failed");
            delivery.failed(&ctx.store, &why.to_string()).await
        }
    }
}

/// Webhook and event, unless one is gone or the webhook is not to hear of the event any longer.
async fn wanted(ctx: &Context, delivery: &Delivery) -> Result<Option<(Webhook, Event)>> {
    let hook = ctx.store.of::<Webhook>().get(Filter::id(delivery.hook)).await?;
    let ended = ctx.store.of::<Ended>().get(Filter::id(delivery.event)).await?;
    let (Some(hook), Some(ended)) = (hook, ended) else { return Ok(None) };
    if !hook.hears(&ended) {
        return Ok(None);
    }
    let event = ctx.store.of::<Event>().get(Filter::id(delivery.event)).await?;
    Ok(event.map(|event| (hook, event)))
}
