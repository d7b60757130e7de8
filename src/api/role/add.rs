//! `POST /roles`.

use crate::{
    api::{Answer, Call, answer, record::New},
    error::Error,
    event::{Target, TargetType},
    permission::role,
};

/// Makes a role without permissions.
pub async fn add(mut call: Call) -> Answer {
    call.permit("role.create", &[])?;
    let inputs = call.inputs().await?;
    let name = role::create::check_name(inputs.text("name"))?;
    let context = inputs.get("context").or_else(|| inputs.get("contexttype")).unwrap_or_default();
    let kind = context.parse().map_err(|e: Error| Error::refused(e.to_string()))?;
    let made = role::create::new(name, kind, inputs.text("description"))?;
    let target = Target::new(TargetType::Role, &made.name);
    let event = call.record_new("role.create", New { target, events_permission: role::EVENTS, contexts: Vec::new() }).await?;
    let done = role::create::create(&call.ctx.store, &made).await;
    event.end(done).await?;
    answer::created()
}
