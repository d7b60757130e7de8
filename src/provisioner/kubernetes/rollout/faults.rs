//! Why units are not ready, and what they printed last.

use std::sync::Arc;

use futures_util::StreamExt;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Event, Pod},
};
use kube::{Api, ResourceExt, api::ListParams};

use super::site::Site;
use crate::{
    error::Error,
    provisioner::{
        LogLine, LogQuery,
        kubernetes::{
            client::{SHORT, ask},
            logs::Sources,
            words::{self, PodEvent},
        },
    },
};

/// Lines of units that are told.
const LINES: usize = 10;

/// Everything that is known, in one error.
pub async fn of(site: &Site, app: &str, deployment: &Deployment) -> Error {
    let (mut faults, mut failing) = (Vec::new(), Vec::new());
    for pod in pods(site, app, deployment) {
        let found = words::faults(&pod, last_event(site, &pod).await.as_ref());
        if !found.is_empty() {
            failing.push(pod.name_any());
        }
        faults.extend(found);
    }
    if faults.is_empty() {
        return Error::refused(format!("deployment {:?}: not all units became ready, and none says why", deployment.name_any()));
    }
    Error::refused(words::startup_error(&faults, &last_lines(site, app, failing).await))
}

/// The pods of a deployment, old ones too.
pub fn pods(site: &Site, app: &str, deployment: &Deployment) -> Vec<Arc<Pod>> {
    let selector = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
    let is_its = |pod: &Arc<Pod>| {
        pod.namespace() == deployment.namespace() && selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value))
    };
    site.pods.of(app).into_iter().filter(is_its).collect()
}

async fn last_event(site: &Site, pod: &Pod) -> Option<PodEvent> {
    let api: Api<Event> = site.api(&pod.namespace()?);
    let of_pod = ListParams::default().fields(&format!("involvedObject.kind=Pod,involvedObject.name={}", pod.name_any()));
    let found = ask(&site.name, SHORT, || api.list(&of_pod)).await.ok()?.items;
    let last = found.into_iter().max_by_key(|event| {
        let seen = event.last_timestamp.as_ref().map(|time| time.0);
        seen.or_else(|| event.event_time.as_ref().map(|time| time.0)).or_else(|| event.first_timestamp.as_ref().map(|time| time.0))
    })?;
    let warning = last.type_.as_deref() == Some("Warning");
    Some(PodEvent { reason: last.reason.unwrap_or_default(), warning, message: last.message.unwrap_or_default() })
}

async fn last_lines(site: &Site, app: &str, units: Vec<String>) -> Vec<LogLine> {
    let sources = Sources::of_apps(site.client.clone(), site.pods.clone(), site.said.clone());
    let query = LogQuery { app: app.to_owned(), lines: LINES, units, ..LogQuery::default() };
    match sources.logs(query).await {
        Ok(lines) => lines.collect().await,
        Err(_) => Vec::new(),
    }
}
