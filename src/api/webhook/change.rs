//! `POST /events/webhooks`, `PUT/DELETE /events/webhooks/{name}`.

use super::view::View;
use crate::{
    api::{
        Answer, Call, answer,
        record::{New, Recording},
    },
    error::Result,
    event::{Subject, Target, TargetType},
    permission::Context,
    team,
    webhook::{Webhook, change},
};

/// Addresses and headers may hold secrets of the receiver: events do not keep them.
async fn recording(call: &mut Call, permission: &'static str) -> Result<Recording> {
    let fields = call.asked().await?.into_iter().map(|(name, _)| name);
    let secret = fields.filter(|name| {
        let first = name.split('.').next().unwrap_or_default();
        ["url", "proxy_url", "headers", "body"].iter().any(|secret| first.eq_ignore_ascii_case(secret))
    });
    Ok(secret.fold(Recording::of(permission), Recording::hiding))
}

/// Makes a webhook.
pub async fn create(mut call: Call) -> Answer {
    let mut input: View = call.input().await?;
    if input.team_owner.is_empty() {
        input.team_owner = team::choose(&call.ctx.store, call.caller()?, "webhook.create").await?;
    }
    let contexts = vec![Context::team(&input.team_owner)];
    call.permit("webhook.create", &contexts)?;
    let hook = Webhook::from(input);
    change::check(&call.ctx.store, &hook).await?;
    let new = New { target: Target::new(TargetType::Webhook, &hook.name), events_permission: "webhook.read.events", contexts };
    let recording = recording(&mut call, "webhook.create").await?;
    let event = call.record_new(recording, new).await?;
    let done = change::create(&call.ctx.store, &event, &hook).await;
    event.end(done).await?;
    answer::ok()
}

/// Puts another one in the place of a webhook. Whoever does may change webhooks of its team and of the one it goes to.
pub async fn update(mut call: Call) -> Answer {
    let mut input: View = call.input().await?;
    let old = Webhook::load(&call.ctx.store, call.var("name")).await?;
    if input.team_owner.is_empty() {
        input.team_owner.clone_from(&old.team_owner);
    }
    call.permit("webhook.update", &old.contexts())?;
    call.permit("webhook.update", &[Context::team(&input.team_owner)])?;
    input.name.clone_from(&old.name);
    let hook = Webhook::from(input);
    let recording = recording(&mut call, "webhook.update").await?;
    let old = call.record(recording, old).await?;
    let done = change::replace(&call.ctx.store, &old, &hook).await;
    old.end(done).await?;
    answer::ok()
}

/// Removes a webhook.
pub async fn delete(mut call: Call) -> Answer {
    let hook = Webhook::load(&call.ctx.store, call.var("name")).await?;
    call.permit("webhook.delete", &hook.contexts())?;
    let hook = call.record("webhook.delete", hook).await?;
    let done = change::remove(&call.ctx.store, &hook).await;
    hook.end(done).await?;
    answer::ok()
}
