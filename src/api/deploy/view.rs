//! A deploy as JSON.

use bson::{Bson, Document};
use serde::Serialize;

use crate::{
    app::deploy::list::{Deploy, image},
    clock::Time,
    event::{Event, document::LogEntry, view},
};

/// tsuru's `DeployData`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeployData {
    #[serde(rename = "ID")]
    id: String,
    app: String,
    timestamp: String,
    duration: i64,
    commit: String,
    error: String,
    image: String,
    version: u32,
    log: String,
    user: String,
    origin: String,
    can_rollback: bool,
    diff: String,
    message: String,
}

impl DeployData {
    /// In a list: without log.
    pub fn of(deploy: &Deploy) -> Self {
        Self { can_rollback: deploy.can_rollback, ..Self::with_log(&deploy.event, &[]) }
    }

    /// On its own, with these lines.
    pub fn with_log(event: &Event, lines: &[LogEntry]) -> Self {
        let image = image(event).unwrap_or_default().to_owned();
        let end = if event.end_time.is_zero() { Time::now() } else { event.end_time };
        Self {
            id: event.id.to_hex(),
            app: event.target.value.clone(),
            timestamp: event.start_time.rfc3339(),
            duration: end.nanos_since(event.start_time),
            commit: asked(event, "commit"),
            error: event.error.clone(),
            version: image.rsplit_once(":v").and_then(|(_, number)| number.parse().ok()).unwrap_or_default(),
            image,
            log: view::log(lines),
            user: event.owner.name.clone(),
            origin: asked(event, "origin"),
            can_rollback: false,
            diff: String::new(),
            message: asked(event, "message"),
        }
    }
}

fn asked(event: &Event, field: &str) -> String {
    let document: Option<&Document> = event.start_data.as_ref().and_then(Bson::as_document);
    document.and_then(|asked| asked.get_str(field).ok()).unwrap_or_default().to_owned()
}
