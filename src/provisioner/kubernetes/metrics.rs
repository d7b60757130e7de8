//! What units use, as the cluster's metrics server measures it: asked for in the background, shown from memory.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::objects::{labels, quantity};
use crate::provisioner::UnitUsage;

/// Metrics are measured about so often.
const EVERY: Duration = Duration::from_secs(15);
/// For an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known; the text says why nothing is.
type Known = Result<HashMap<String, Vec<UnitUsage>>, &'static str>;

/// What units use.
pub struct Usage(RwLock<Known>);

impl Usage {
    /// Begins to ask, until `end`.
    pub fn start(client: Client, end: CancellationToken) -> Arc<Self> {
        let usage = Arc::new(Self(RwLock::new(Ok(HashMap::new()))));
        let asking = usage.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = asking.ask(client) => {}
            }
        });
        usage
    }

    async fn ask(&self, client: Client) {
        let kind = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics"), "pods");
        let api = Api::<DynamicObject>::all_with(client, &kind);
        let ours = ListParams::default().labels("tsuru.io/is-tsuru=true");
        loop {
            let known = match timeout(PATIENCE, api.list(&ours)).await {
                Ok(Ok(found)) => Some(Ok(by_app(&found.items))),
                Ok(Err(kube::Error::Api(status))) => absent(status.code).map(Err),
                // What was known stays; that the cluster is away is told elsewhere.
                _ => None,
            };
            if let Some(known) = known {
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
            }
            sleep(EVERY).await;
        }
    }

    /// Of the units of an app, or why nothing is known.
    pub fn of(&self, app: &str) -> Result<Vec<UnitUsage>, String> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|by_app| by_app.get(app).cloned().unwrap_or_default()).map_err(|why| (*why).to_owned())
    }
}

/// In the words of Kubernetes' own client, which people look for.
fn absent(code: u16) -> Option<&'static str> {
    match code {
        404 => Some("the server could not find the requested resource (get pods.metrics.k8s.io)"),
        503 => Some("the server is currently unable to handle the request (get pods.metrics.k8s.io)"),
        _ => None,
    }
}

fn by_app(found: &[DynamicObject]) -> HashMap<String, Vec<UnitUsage>> {
    let mut all: HashMap<String, Vec<UnitUsage>> = HashMap::new();
    for pod in found {
        if let Some(app) = pod.labels().get(labels::APP) {
            all.entry(app.clone()).or_default().push(of_pod(pod));
        }
    }
    all.values_mut().for_each(|units| units.sort_by(|a, b| a.unit.cmp(&b.unit)));
    all
}

/// The sum over its containers.
fn of_pod(pod: &DynamicObject) -> UnitUsage {
    let containers = pod.data.get("containers").and_then(Value::as_array);
    let sum = |what: &str| -> f64 {
        let used = |container: &Value| quantity::parse(container.pointer(&format!("/usage/{what}"))?.as_str()?);
        containers.into_iter().flatten().filter_map(used).sum()
    };
    let whole = |amount: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "what is used is far from the limits, and a whole number")]
        let whole = amount.round() as i64;
        whole
    };
    UnitUsage { unit: pod.name_any(), cpu: quantity::nano(whole(sum("cpu") * 1e9)).0, memory: quantity::bytes(whole(sum("memory"))).0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_unit_uses_is_the_sum_of_its_containers() {
        let container = |cpu: &str, memory: &str| json!({"name": "c", "usage": {"cpu": cpu, "memory": memory}});
        let pod = json!({"metadata": {"name": "a-web-1", "labels": {"tsuru.io/app-name": "a"}},
            "containers": [container("1500001n", "1024Ki"), container("2m", "512Ki")]});
        let found = by_app(&[serde_json::from_value(pod).unwrap()]);
        let expected = UnitUsage { unit: "a-web-1".into(), cpu: "3500001n".into(), memory: "1536Ki".into() };
        assert_eq!(found["a"], [expected]);
    }

    #[test]
    fn only_a_missing_metrics_server_is_told() {
        assert!(absent(404).is_some_and(|text| text.ends_with("(get pods.metrics.k8s.io)")));
        assert!(absent(401).is_none());
    }
}
