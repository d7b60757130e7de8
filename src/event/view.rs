//! Events as clients see them.

use serde::Serialize;

use super::{
    Allowed, Event, Target,
    document::{CancelInfo, LogEntry, Named},
};
use crate::permission::Context;

/// An event without its data.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventView {
    #[serde(rename = "UniqueID")]
    unique_id: String,
    lock: Option<TargetView>,
    start_time: String,
    end_time: String,
    expire_at: &'static str,
    target: TargetView,
    extra_targets: Option<Vec<ExtraTargetView>>,
    kind: NamedView,
    owner: NamedView,
    #[serde(rename = "SourceIP")]
    source_ip: String,
    lock_update_time: String,
    error: String,
    log: String,
    structured_log: Option<Vec<LogView>>,
    cancel_info: CancelView,
    cancelable: bool,
    running: bool,
    allowed: AllowedView,
    allowed_cancel: AllowedView,
    instance: InstanceView,
}

const UNSET: &str = "0001-01-01T00:00:00Z";

/// A target.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetView {
    #[serde(rename = "Type")]
    kind: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExtraTargetView {
    target: TargetView,
    lock: bool,
}

/// A type and a name.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamedView {
    #[serde(rename = "Type")]
    kind: String,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LogView {
    date: String,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CancelView {
    owner: String,
    start_time: String,
    ack_time: String,
    reason: String,
    asked: bool,
    canceled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AllowedView {
    scheme: String,
    contexts: Option<Vec<ContextView>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ContextView {
    ctx_type: &'static str,
    value: String,
}

/// The server that ran it, which events do not keep.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceView {
    name: &'static str,
    port: &'static str,
    #[serde(rename = "TLSPort")]
    tls_port: &'static str,
    addresses: Option<Vec<String>>,
    last_update: &'static str,
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

impl From<Target> for TargetView {
    fn from(target: Target) -> Self {
        Self { kind: target.kind.word(), value: target.value }
    }
}

impl From<Named> for NamedView {
    fn from(named: Named) -> Self {
        Self { kind: named.kind, name: named.name }
    }
}

impl From<CancelInfo> for CancelView {
    fn from(cancel: CancelInfo) -> Self {
        Self {
            owner: cancel.owner,
            start_time: cancel.start_time.rfc3339(),
            ack_time: cancel.ack_time.rfc3339(),
            reason: cancel.reason,
            asked: cancel.asked,
            canceled: cancel.canceled,
        }
    }
}

impl From<Context> for ContextView {
    fn from(context: Context) -> Self {
        Self { ctx_type: context.kind.word(), value: context.value }
    }
}

impl From<Allowed> for AllowedView {
    fn from(allowed: Allowed) -> Self {
        Self { scheme: allowed.scheme, contexts: some(allowed.contexts.into_iter().map(ContextView::from).collect()) }
    }
}

impl From<&LogEntry> for LogView {
    fn from(entry: &LogEntry) -> Self {
        Self { date: entry.date.rfc3339(), message: format!("{}\n", entry.message.strip_suffix('\n').unwrap_or(&entry.message)) }
    }
}

/// The log as one text, each line with its time.
pub fn log(entries: &[LogEntry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let time = chrono::DateTime::from_timestamp_millis(entry.date.millis()).unwrap_or_default();
        let prefix = time.format("%Y-%m-%d %H:%M:%S +0000: ").to_string();
        let message = entry.message.strip_suffix('\n').unwrap_or(&entry.message);
        message.split('\n').for_each(|line| text.extend([prefix.as_str(), line, "\n"]));
    }
    text
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let extra = event.extra_targets.into_iter().map(|extra| ExtraTargetView { target: extra.target.into(), lock: extra.lock });
        Self {
            unique_id: event.unique_id.to_hex(),
            lock: event.lock.map(TargetView::from),
            start_time: event.start_time.rfc3339(),
            end_time: event.end_time.rfc3339(),
            expire_at: UNSET,
            target: event.target.into(),
            extra_targets: some(extra.collect()),
            kind: event.kind.into(),
            owner: event.owner.into(),
            source_ip: event.source_ip,
            lock_update_time: event.lock_update_time.rfc3339(),
            error: event.error,
            log: log(&event.log),
            structured_log: some(event.log.iter().map(LogView::from).collect()),
            cancel_info: event.cancel_info.into(),
            cancelable: event.cancelable,
            running: event.running,
            allowed: event.allowed.into(),
            allowed_cancel: event.allowed_cancel.into(),
            instance: InstanceView { name: "", port: "", tls_port: "", addresses: None, last_update: UNSET },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    #[test]
    fn every_line_of_a_log_has_its_time() {
        let entry = |message: &str| LogEntry { date: Time::from_millis(0), message: message.into() };
        let text = log(&[entry("one"), entry("\ntwo\n")]);
        let at = "1970-01-01 00:00:00 +0000: ";
        assert_eq!(text, format!("{at}one\n{at}\n{at}two\n"));
    }
}
