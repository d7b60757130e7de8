//! Units by the clock and by numbers of Prometheus: a `ScaledObject` of KEDA.

use serde_json::{Value, json};

use super::{
    Making, autoscale,
    custom::{Custom, Kind},
    labels, meta, names,
};
use crate::{
    error::{Error, Result},
    provisioner::scaling::{CpuLoad, Measured, Scaled, Scaling},
};

/// The definition that a cluster with KEDA has.
pub const CRD: &str = "scaledobjects.keda.sh";
/// A stopped process stays stopped.
const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";
const GOOGLE: &str = "https://monitoring.googleapis.com";

/// KEDA's `ScaledObject`.
#[derive(Clone, Copy, Debug)]
pub struct Keda;

impl Kind for Keda {
    const GROUP: &'static str = "keda.sh";
    const VERSION: &'static str = "v1alpha1";
    const KIND: &'static str = "ScaledObject";
    const PLURAL: &'static str = "scaledobjects";
}

/// What a cluster without KEDA answers.
pub fn absent() -> Error {
    Error::refused(format!("cannot configure schedule/prometheus autoscale: KEDA is not installed in the cluster (missing CRD {CRD})"))
}

/// What one answers whose KEDA is not for this server.
pub fn forbidden() -> Error {
    let why = "the account of this server may not manage scaledobjects.keda.sh in the cluster";
    Error::refused(format!("cannot configure schedule/prometheus autoscale: {why}"))
}

/// Of the deployment that `m` is about.
pub fn of(m: &Making<'_>, scaling: &Scaling) -> Result<Custom<Keda>> {
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
    let mut object = Custom::new(meta(name, &m.spot.namespace, labels::scaler(m)), spec);
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

fn cron(schedule: &Scaled) -> Value {
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
    let at = |path: &str| spec.pointer(path).cloned().unwrap_or_default();
    let behavior = at("/advanced/horizontalPodAutoscalerConfig/behavior");
    let mut scaling = Scaling {
        min: number(&at("/minReplicaCount")),
        max: number(&at("/maxReplicaCount")),
        ..autoscale::read_behavior(serde_json::from_value(behavior).ok().as_ref())
    };
    for trigger in spec.get("triggers").and_then(Value::as_array).into_iter().flatten() {
        read_trigger(trigger, &mut scaling);
    }
    scaling
}

fn read_trigger(trigger: &Value, scaling: &mut Scaling) {
    let say = |path: &str| trigger.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let text = |key: &str| say(&format!("/metadata/{key}")).to_owned();
    match (say("/type"), say("/metricType")) {
        ("cpu", "Utilization") => scaling.cpu = text("value").parse().ok().map(CpuLoad::Percent),
        // tsuru's server leaves the unit out.
        ("cpu", _) => scaling.cpu = text("value").trim_end_matches('m').parse().ok().map(CpuLoad::Milli),
        ("cron", _) => scaling.schedules.push(Scaled {
            name: text("scheduleName"),
            units: text("desiredReplicas").parse().unwrap_or_default(),
            start: text("start"),
            end: text("end"),
            timezone: text("timezone"),
        }),
        ("prometheus", _) => scaling.prometheus.push(Measured {
            name: text("prometheusMetricName"),
            query: text("query"),
            threshold: text("threshold").parse().unwrap_or_default(),
            activation: text("activationThreshold").parse().unwrap_or_default(),
            address: text("serverAddress"),
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::kubernetes::objects::samples::Sample;

    fn asked() -> Scaling {
        let schedule =
            Scaled { name: "day".into(), units: 3, start: "0 8 * * *".into(), end: "0 18 * * *".into(), timezone: "Europe/Rome".into() };
        let measured = Measured { name: "load".into(), query: "q".into(), threshold: 1.5, activation: 0.0, address: "http://p".into() };
        Scaling {
            min: 1,
            max: 4,
            cpu: Some(CpuLoad::Milli(500)),
            schedules: vec![schedule],
            prometheus: vec![measured],
            stabilization: Some(60),
            percent: Some(10),
            units: Some(3),
            ..Scaling::default()
        }
    }

    #[test]
    fn what_is_asked_for_is_read_back() {
        let sample = Sample::default();
        let object = of(&sample.making(), &asked()).unwrap();
        assert_eq!(read(&object.spec), asked());
        assert_eq!(object.spec["triggers"][0]["metadata"]["value"], "500m");
        assert_eq!(object.spec["scaleTargetRef"]["name"], "blog-web");
    }

    #[test]
    fn a_stopped_process_stays_stopped() {
        let mut sample = Sample::default();
        sample.process.units = 0;
        assert_eq!(of(&sample.making(), &asked()).unwrap().metadata.annotations.unwrap()[PAUSED], "0");
    }

    #[test]
    fn prometheus_is_the_clusters_own_unless_another_is_named() {
        let mut sample = Sample::default();
        let mut scaling = asked();
        scaling.prometheus[0].address = String::new();
        let missing = of(&sample.making(), &scaling).unwrap_err().to_string();
        assert_eq!(missing, "key \"kubernetes:keda:prometheus-address-template\" not found");
        sample.server.prometheus_address = Some("http://prometheus.{{.namespace}}".into());
        let object = of(&sample.making(), &scaling).unwrap();
        assert_eq!(object.spec["triggers"][2]["metadata"]["serverAddress"], "http://prometheus.ns");
        scaling.prometheus[0].address = format!("{GOOGLE}/v1");
        let object = of(&sample.making(), &scaling).unwrap();
        assert_eq!(object.spec["triggers"][2]["authenticationRef"]["name"], "gcp-credentials");
    }
}
