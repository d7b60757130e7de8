//! Units by the clock and by numbers of Prometheus: a `ScaledObject` of KEDA.

use kube::{
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use super::{Making, autoscale, labels, meta, names};
use crate::{
    error::{Error, Result},
    provisioner::scaling::{CpuLoad, Measured, Scaling, Scheduled},
};

/// The definition that a cluster with KEDA has.
pub const CRD: &str = "scaledobjects.keda.sh";
/// A stopped process stays stopped.
const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";
const GOOGLE: &str = "https://monitoring.googleapis.com";

/// The kind of [`of`].
pub fn kind() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject"))
}

/// What a cluster without KEDA answers.
pub fn absent() -> Error {
    Error::refused(format!("cannot configure schedule/prometheus autoscale: KEDA is not installed in the cluster (missing CRD {CRD})"))
}

/// Of the deployment that `m` is about.
pub fn of(m: &Making<'_>, scaling: &Scaling) -> Result<DynamicObject> {
    let mut triggers: Vec<Value> = scaling.cpu.map(cpu).into_iter().collect();
    triggers.extend(scaling.schedules.iter().map(cron));
    for measured in &scaling.prometheus {
        triggers.push(prometheus(m, measured)?);
    }
    let behavior = serde_json::to_value(autoscale::behavior(scaling)).map_err(Error::internal)?;
    let spec = json!({
        "scaleTargetRef": {"name": m.spot.name, "kind": "Deployment", "apiVersion": "apps/v1"},
        "minReplicaCount": scaling.min,
        "maxReplicaCount": scaling.max,
        "triggers": triggers,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
    });
    let name = names::base(&m.app.app, &m.process.name);
    let mut object = DynamicObject::new(&name, &kind()).data(json!({"spec": spec}));
    object.metadata = meta(name, &m.spot.namespace, labels::scaler(m));
    object.metadata.annotations = (m.process.units == 0).then(|| [(PAUSED.to_owned(), "0".to_owned())].into());
    Ok(object)
}

fn cpu(load: CpuLoad) -> Value {
    let (kind, value) = match load {
        CpuLoad::Percent(percent) => ("Utilization", percent.to_string()),
        CpuLoad::Milli(milli) => ("AverageValue", format!("{milli}m")),
    };
    json!({"type": "cpu", "metricType": kind, "metadata": {"value": value}})
}

fn cron(schedule: &Scheduled) -> Value {
    let timezone = if schedule.timezone.is_empty() { "UTC" } else { &schedule.timezone };
    json!({"type": "cron", "metadata": {
        "scheduleName": schedule.name,
        "desiredReplicas": schedule.units.to_string(),
        "start": schedule.start,
        "end": schedule.end,
        "timezone": timezone,
    }})
}

fn prometheus(m: &Making<'_>, measured: &Measured) -> Result<Value> {
    let address = if measured.address.is_empty() { usual_address(m)? } else { measured.address.clone() };
    let mut trigger = json!({"type": "prometheus", "metadata": {
        "serverAddress": address,
        "query": measured.query,
        "threshold": measured.threshold.to_string(),
        "activationThreshold": measured.activation.to_string(),
        "prometheusMetricName": measured.name,
    }});
    if address.starts_with(GOOGLE)
        && let Some(fields) = trigger.as_object_mut()
    {
        fields.insert("authenticationRef".into(), json!({"name": "gcp-credentials", "kind": "ClusterTriggerAuthentication"}));
    }
    Ok(trigger)
}

fn usual_address(m: &Making<'_>) -> Result<String> {
    let template = m.server.prometheus_address.as_ref();
    let template = template.ok_or_else(|| Error::refused("key \"kubernetes:keda:prometheus-address-template\" not found"))?;
    Ok(["{{.namespace}}", "{{ .namespace }}"].iter().fold(template.clone(), |text, hole| text.replace(hole, &m.spot.namespace)))
}

/// What an object was made from, apart from its process.
pub fn read(spec: &Value) -> Scaling {
    let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
    let mut scaling = Scaling { min: number(&spec["minReplicaCount"]), max: number(&spec["maxReplicaCount"]), ..Scaling::default() };
    for trigger in spec["triggers"].as_array().into_iter().flatten() {
        let text = |key: &str| trigger["metadata"].get(key).and_then(Value::as_str).unwrap_or_default();
        match trigger["type"].as_str() {
            Some("cpu") if trigger["metricType"] == "Utilization" => scaling.cpu = text("value").parse().ok().map(CpuLoad::Percent),
            Some("cpu") => scaling.cpu = text("value").trim_end_matches('m').parse().ok().map(CpuLoad::Milli),
            Some("cron") => scaling.schedules.push(Scheduled {
                name: text("scheduleName").into(),
                units: text("desiredReplicas").parse().unwrap_or_default(),
                start: text("start").into(),
                end: text("end").into(),
                timezone: text("timezone").into(),
            }),
            Some("prometheus") => scaling.prometheus.push(Measured {
                name: text("prometheusMetricName").into(),
                query: text("query").into(),
                threshold: text("threshold").parse().unwrap_or_default(),
                activation: text("activationThreshold").parse().unwrap_or_default(),
                address: text("serverAddress").into(),
            }),
            _ => {}
        }
    }
    scaling
}
