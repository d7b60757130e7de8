//! What a webhook says.

use super::{Webhook, template::Template, template::Value};
use crate::{
    clock::Time,
    event::{
        Allowed, Event, Target,
        document::{CancelInfo, ExtraTarget, LogEntry, Named},
        view::{self, EventView},
    },
};

/// The body, and whether it is the event as JSON. A body of old that is no template is said as it is.
pub fn body(hook: &Webhook, method: &str, event: Event) -> Result<(String, bool), String> {
    if !hook.body.is_empty() {
        let text = match Template::parse(&hook.body) {
            Ok(template) => template.render(&value(event))?,
            Err(_) => hook.body.clone(),
        };
        return Ok((text, false));
    }
    if !matches!(method, "POST" | "PUT" | "PATCH") {
        return Ok((String::new(), false));
    }
    serde_json::to_string(&EventView::from(event)).map(|json| (json, true)).map_err(|e| e.to_string())
}

/// The event as templates see it: Go's names. What it was begun with and what came out of it is not said to others.
fn value(event: Event) -> Value {
    let described = format!(
        "{}({}) running {:?} start by {} {} at {}",
        event.target.kind.word(),
        event.target.value,
        event.kind.name,
        event.owner.kind,
        event.owner.name,
        event.start_time.rfc3339()
    );
    let log = Value::text(view::log(&event.log));
    let lines = event.log.into_iter().map(line).collect();
    let id = || Value::fields("primitive.ObjectID", vec![("Hex", Value::text(event.id.to_hex()))]).printed_as(event.id.to_hex());
    let fields = vec![
        ("ID", id()),
        ("UniqueID", id()),
        ("Lock", event.lock.map_or(Value::Nil, target)),
        ("StartTime", Value::Time(event.start_time)),
        ("EndTime", Value::Time(event.end_time)),
        ("ExpireAt", Value::Time(Time::zero())),
        ("Target", target(event.target)),
        ("ExtraTargets", Value::List(event.extra_targets.into_iter().map(extra).collect())),
        ("Kind", kind(event.kind)),
        ("Owner", owner(event.owner)),
        ("SourceIP", Value::text(event.source_ip)),
        ("LockUpdateTime", Value::Time(event.lock_update_time)),
        ("Error", Value::text(event.error)),
        ("Log", log),
        ("StructuredLog", Value::List(lines)),
        ("CancelInfo", cancel(event.cancel_info)),
        ("Cancelable", Value::Bool(event.cancelable)),
        ("Running", Value::Bool(event.running)),
        ("Allowed", allowed(event.allowed)),
        ("AllowedCancel", allowed(event.allowed_cancel)),
    ];
    Value::fields("*event.Event", fields).printed_as(described)
}

fn target(target: Target) -> Value {
    let text = format!("{}({})", target.kind.word(), target.value);
    Value::fields("event.Target", vec![("Type", Value::text(target.kind.word())), ("Value", Value::text(target.value))]).printed_as(text)
}

fn extra(extra: ExtraTarget) -> Value {
    Value::fields("event.ExtraTarget", vec![("Target", target(extra.target)), ("Lock", Value::Bool(extra.lock))])
}

fn kind(kind: Named) -> Value {
    let text = kind.name.clone();
    Value::fields("event.Kind", vec![("Type", Value::text(kind.kind)), ("Name", Value::text(kind.name))]).printed_as(text)
}

fn owner(owner: Named) -> Value {
    let text = format!("{} {}", owner.kind, owner.name);
    Value::fields("event.Owner", vec![("Type", Value::text(owner.kind)), ("Name", Value::text(owner.name))]).printed_as(text)
}

fn line(entry: LogEntry) -> Value {
    Value::fields("event.LogEntry", vec![("Date", Value::Time(entry.date)), ("Message", Value::text(entry.message))])
}

fn cancel(info: CancelInfo) -> Value {
    let fields = vec![
        ("Owner", Value::text(info.owner)),
        ("StartTime", Value::Time(info.start_time)),
        ("AckTime", Value::Time(info.ack_time)),
        ("Reason", Value::text(info.reason)),
        ("Asked", Value::Bool(info.asked)),
        ("Canceled", Value::Bool(info.canceled)),
    ];
    Value::fields("event.CancelInfo", fields)
}

fn allowed(allowed: Allowed) -> Value {
    let contexts = allowed.contexts.into_iter().map(|context| {
        Value::fields(
            "permission.PermissionContext",
            vec![("CtxType", Value::text(context.kind.word())), ("Value", Value::text(context.value))],
        )
    });
    let contexts = Value::List(contexts.collect());
    Value::fields("event.AllowedPermission", vec![("Scheme", Value::text(allowed.scheme)), ("Contexts", contexts)])
}
