//! Units by the load of CPU: a `HorizontalPodAutoscaler`; and recommendations of resources: a `VerticalPodAutoscaler`.

use k8s_openapi::{
    api::autoscaling::v2::{
        CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior,
        HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget, ResourceMetricSource,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use serde_json::json;

use super::{
    Making,
    custom::{Custom, Kind},
    labels, meta, names,
};
use crate::provisioner::scaling::{CpuLoad, Scaling};

/// Seconds that the load must be low before units leave.
const STABILIZATION: i32 = 300;
/// Percent of units that leave in a minute.
const PERCENT: i32 = 10;
/// Units that leave in a minute.
const UNITS: i32 = 3;

/// Of the deployment that `m` is about.
pub fn of(m: &Making<'_>, scaling: &Scaling) -> HorizontalPodAutoscaler {
    let spec = HorizontalPodAutoscalerSpec {
        min_replicas: i32::try_from(scaling.min).ok(),
        max_replicas: i32::try_from(scaling.max).unwrap_or(i32::MAX),
        scale_target_ref: target(m),
        behavior: Some(behavior(scaling)),
        metrics: scaling.cpu.map(|load| vec![metric(load)]),
    };
    let name = names::base(&m.app.app, &m.process.name);
    HorizontalPodAutoscaler { metadata: meta(name, &m.spot.namespace, labels::scaler(m)), spec: Some(spec), status: None }
}

fn target(m: &Making<'_>) -> CrossVersionObjectReference {
    CrossVersionObjectReference { api_version: Some("apps/v1".into()), kind: "Deployment".into(), name: m.spot.name.clone() }
}

fn metric(load: CpuLoad) -> MetricSpec {
    let target = match load {
        CpuLoad::Percent(percent) => {
            MetricTarget { type_: "Utilization".into(), average_utilization: Some(percent), ..MetricTarget::default() }
        }
        CpuLoad::Milli(milli) => {
            let value: Quantity = super::quantity::milli(milli);
            MetricTarget { type_: "AverageValue".into(), average_value: Some(value), ..MetricTarget::default() }
        }
    };
    let resource = ResourceMetricSource { name: "cpu".into(), target };
    MetricSpec { type_: "Resource".into(), resource: Some(resource), ..MetricSpec::default() }
}

/// Units leave slowly: the smaller of two steps a minute.
pub fn behavior(scaling: &Scaling) -> HorizontalPodAutoscalerBehavior {
    let policy = |kind: &str, value: i32| HPAScalingPolicy { type_: kind.into(), value, period_seconds: 60 };
    let down = HPAScalingRules {
        select_policy: Some("Min".into()),
        policies: Some(vec![policy("Percent", scaling.percent.unwrap_or(PERCENT)), policy("Pods", scaling.units.unwrap_or(UNITS))]),
        stabilization_window_seconds: Some(scaling.stabilization.unwrap_or(STABILIZATION)),
        ..HPAScalingRules::default()
    };
    HorizontalPodAutoscalerBehavior { scale_down: Some(down), scale_up: None }
}

/// What an object was made from, apart from its process.
pub fn read(object: &HorizontalPodAutoscaler) -> Scaling {
    let number = |value: i32| u32::try_from(value).unwrap_or_default();
    let Some(spec) = &object.spec else { return Scaling::default() };
    let target = spec.metrics.iter().flatten().find_map(|metric| metric.resource.as_ref()).map(|resource| &resource.target);
    let percent = target.and_then(|target| target.average_utilization).map(CpuLoad::Percent);
    let value = target.and_then(|target| super::quantity::parse(&target.average_value.as_ref()?.0));
    #[expect(clippy::cast_possible_truncation, reason = "whole thousandths are wanted")]
    let milli = value.map(|cores| CpuLoad::Milli((cores * 1000.0).round() as i64));
    Scaling {
        min: spec.min_replicas.map(number).unwrap_or_default(),
        max: number(spec.max_replicas),
        cpu: percent.or(milli),
        ..read_behavior(spec.behavior.as_ref())
    }
}

/// How fast units leave.
pub fn read_behavior(behavior: Option<&HorizontalPodAutoscalerBehavior>) -> Scaling {
    let Some(down) = behavior.and_then(|behavior| behavior.scale_down.as_ref()) else { return Scaling::default() };
    let policy = |kind: &str| down.policies.iter().flatten().find(|policy| policy.type_ == kind).map(|policy| policy.value);
    Scaling { stabilization: down.stabilization_window_seconds, percent: policy("Percent"), units: policy("Pods"), ..Scaling::default() }
}

/// The annotation that asks for recommendations.
pub const VERTICAL: &str = "app.tsuru.io/enable-vpa";

/// A `VerticalPodAutoscaler`.
#[derive(Clone, Copy, Debug)]
pub struct Vertical;

impl Kind for Vertical {
    const GROUP: &'static str = "autoscaling.k8s.io";
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "VerticalPodAutoscaler";
    const PLURAL: &'static str = "verticalpodautoscalers";
}

/// Recommendations only: nothing is changed by itself.
pub fn vertical(m: &Making<'_>) -> Custom<Vertical> {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": m.spot.name});
    let spec = json!({"targetRef": target, "updatePolicy": {"updateMode": "Off"}});
    Custom::new(meta(names::base(&m.app.app, &m.process.name), &m.spot.namespace, labels::scaler(m)), spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::kubernetes::objects::samples::Sample;

    #[test]
    fn what_is_asked_for_is_read_back_with_what_is_usual() {
        let sample = Sample::default();
        for cpu in [CpuLoad::Percent(50), CpuLoad::Milli(500), CpuLoad::Milli(2000)] {
            let asked = Scaling { min: 1, max: 3, cpu: Some(cpu), ..Scaling::default() };
            let usual = Scaling { stabilization: Some(300), percent: Some(10), units: Some(3), ..asked.clone() };
            assert_eq!(read(&of(&sample.making(), &asked)), usual);
        }
    }

    #[test]
    fn recommendations_change_nothing() {
        let object = vertical(&Sample::default().making());
        assert_eq!(object.spec["updatePolicy"]["updateMode"], "Off");
        assert_eq!(object.spec["targetRef"]["name"], "blog-web");
        assert_eq!(serde_json::to_value(&object).unwrap()["apiVersion"], "autoscaling.k8s.io/v1");
    }
}
