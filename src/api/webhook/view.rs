//! Webhooks as clients send and see them.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::webhook::{EventFilter, Headers, Webhook};

/// A webhook.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Name.
    pub name: String,
    description: String,
    /// The team.
    pub team_owner: String,
    event_filter: FilterView,
    url: String,
    proxy_url: String,
    headers: BTreeMap<String, Vec<String>>,
    method: String,
    body: String,
    insecure: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct FilterView {
    target_types: Vec<String>,
    target_values: Vec<String>,
    kind_types: Vec<String>,
    kind_names: Vec<String>,
    error_only: bool,
    success_only: bool,
}

impl From<Webhook> for View {
    fn from(hook: Webhook) -> Self {
        let shown = |headers: Headers| {
            let shown = headers.into_iter().map(|(name, values)| (name, values.iter().map(|value| value.expose().to_owned()).collect()));
            shown.collect()
        };
        let filter = hook.event_filter;
        Self {
            name: hook.name,
            description: hook.description,
            team_owner: hook.team_owner,
            event_filter: FilterView {
                target_types: filter.target_types,
                target_values: filter.target_values,
                kind_types: filter.kind_types,
                kind_names: filter.kind_names,
                error_only: filter.error_only,
                success_only: filter.success_only,
            },
            url: hook.url.expose().to_owned(),
            proxy_url: hook.proxy_url.expose().to_owned(),
            headers: shown(hook.headers),
            method: hook.method,
            body: hook.body,
            insecure: hook.insecure,
        }
    }
}

impl From<View> for Webhook {
    fn from(view: View) -> Self {
        let filter = view.event_filter;
        let secret = |values: Vec<String>| values.into_iter().map(Into::into).collect();
        Self {
            id: ObjectId::new(),
            name: view.name,
            description: view.description,
            team_owner: view.team_owner,
            event_filter: EventFilter {
                target_types: filter.target_types,
                target_values: filter.target_values,
                kind_types: filter.kind_types,
                kind_names: filter.kind_names,
                error_only: filter.error_only,
                success_only: filter.success_only,
            },
            url: view.url.into(),
            proxy_url: view.proxy_url.into(),
            headers: view.headers.into_iter().map(|(name, values)| (name, secret(values))).collect(),
            method: view.method,
            body: view.body,
            insecure: view.insecure,
        }
    }
}
