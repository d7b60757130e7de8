//! `POST /routers`, `PUT/DELETE /routers/{name}`.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    api::{
        Answer, Call, answer,
        record::{New, Recording},
    },
    error::Result,
    event::{Target, TargetType},
    permission::{Context, ContextType},
    router::{DynamicRouter, dynamic},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "readinessgates")]
    readiness_gates: Vec<String>,
    config: Option<Map<String, Value>>,
}

/// Headers and addresses of routers may hold passwords.
async fn recording(call: &mut Call, permission: &'static str) -> Result<Recording> {
    let fields = call.asked().await?.into_iter().map(|(name, _)| name);
    let secret = fields.filter(|name| name.split('.').next().unwrap_or_default().eq_ignore_ascii_case("config"));
    Ok(secret.fold(Recording::of(permission), Recording::hiding))
}

/// Makes a router.
pub async fn add(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    call.permit("router.create", &[])?;
    dynamic::check_new(&call.ctx, &input.name).await?;
    let new = New {
        target: Target::new(TargetType::Router, &input.name),
        events_permission: "router.read.events",
        contexts: vec![Context::new(ContextType::Router, &input.name)],
    };
    let recording = recording(&mut call, "router.create").await?;
    let event = call.record_new(recording, new).await?;
    let router = DynamicRouter {
        name: input.name,
        kind: input.kind,
        readiness_gates: input.readiness_gates,
        config: input.config.unwrap_or_default(),
    };
    let done = dynamic::create(&call.ctx, &event, &router).await;
    event.end(done).await?;
    answer::created()
}

/// Changes a router.
pub async fn update(mut call: Call) -> Answer {
    let input: Input = call.input().await?;
    let name = call.var("name").to_owned();
    call.permit("router.update", &[Context::new(ContextType::Router, &name)])?;
    let router = DynamicRouter::load(&call.ctx.store, &name).await?;
    let recording = recording(&mut call, "router.update").await?;
    let router = call.record(recording, router).await?;
    let done = dynamic::update(&call.ctx, &router, &input.kind, input.config.unwrap_or_default()).await;
    router.end(done).await?;
    answer::ok()
}

/// Removes a router.
pub async fn remove(mut call: Call) -> Answer {
    let name = call.var("name").to_owned();
    call.permit("router.delete", &[Context::new(ContextType::Router, &name)])?;
    let router = DynamicRouter::load(&call.ctx.store, &name).await?;
    let router = call.record("router.delete", router).await?;
    let done = dynamic::remove(&call.ctx, &router).await;
    router.end(done).await?;
    answer::ok()
}
