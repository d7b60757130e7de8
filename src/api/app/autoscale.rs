//! `GET`, `POST`, `DELETE /apps/{app}/units/autoscale` and `/swap`.

use serde::Serialize;

use crate::{
    api::{Answer, Call, answer},
    app::autoscale::{self, Autoscale, Prometheus, Schedule, cpu_of},
    error::Error,
    event::Subject,
    provisioner::{
        UnitUsage,
        scaling::{Advice, Recommendation},
    },
};

/// What was asked for a process. `scaleDown` is always there: clients look into it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscaleView {
    process: String,
    min_units: u64,
    max_units: u64,
    #[serde(rename = "averageCPU", skip_serializing_if = "String::is_empty")]
    average_cpu: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    schedules: Vec<ScheduleView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prometheus: Vec<PrometheusView>,
    version: u64,
    behavior: BehaviorView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScheduleView {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    min_replicas: i64,
    start: String,
    end: String,
    timezone: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrometheusView {
    name: String,
    query: String,
    threshold: f64,
    #[serde(skip_serializing_if = "is_zero")]
    activation_threshold: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    prometheus_address: String,
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BehaviorView {
    scale_down: ScaleDownView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScaleDownView {
    stabilization_window: i32,
    percentage_policy_value: i32,
    units_policy_value: i32,
}

/// What a unit uses.
#[derive(Serialize)]
pub struct UsageView {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "CPU")]
    cpu: String,
    #[serde(rename = "Memory")]
    memory: String,
}

impl From<UnitUsage> for UsageView {
    fn from(usage: UnitUsage) -> Self {
        Self { id: usage.unit, cpu: usage.cpu, memory: usage.memory }
    }
}

/// What a process should be given.
#[derive(Serialize)]
pub struct AdviceView {
    process: String,
    recommendations: Vec<RecommendationView>,
}

#[derive(Serialize)]
struct RecommendationView {
    r#type: String,
    cpu: String,
    memory: String,
}

impl From<Advice> for AdviceView {
    fn from(advice: Advice) -> Self {
        let view = |one: Recommendation| RecommendationView { r#type: one.kind, cpu: one.cpu, memory: one.memory };
        Self { process: advice.process, recommendations: advice.recommendations.into_iter().map(view).collect() }
    }
}

impl From<Autoscale> for AutoscaleView {
    fn from(spec: Autoscale) -> Self {
        let down = spec.behavior.scale_down.unwrap_or_default();
        Self {
            process: spec.process,
            min_units: spec.min_units,
            max_units: spec.max_units,
            average_cpu: cpu_of(&spec.average_cpu).map(|percent| format!("{}m", percent * 10)).unwrap_or_default(),
            schedules: spec.schedules.into_iter().map(ScheduleView::from).collect(),
            prometheus: spec.prometheus.into_iter().map(PrometheusView::from).collect(),
            version: spec.version,
            behavior: BehaviorView {
                scale_down: ScaleDownView {
                    stabilization_window: down.stabilization_window.unwrap_or(300),
                    percentage_policy_value: down.percentage.unwrap_or(10),
                    units_policy_value: down.units.unwrap_or(3),
                },
            },
        }
    }
}

impl From<Schedule> for ScheduleView {
    fn from(schedule: Schedule) -> Self {
        let Schedule { name, min_replicas, start, end, timezone } = schedule;
        Self { name, min_replicas, start, end, timezone: if timezone.is_empty() { "UTC".into() } else { timezone } }
    }
}

impl From<Prometheus> for PrometheusView {
    fn from(trigger: Prometheus) -> Self {
        let Prometheus { name, query, threshold, activation_threshold, address } = trigger;
        Self { name, query, threshold, activation_threshold, prometheus_address: address }
    }
}

/// What was asked for; `null` when nothing was.
pub async fn get(call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.read", &app.contexts())?;
    let specs: Vec<AutoscaleView> = autoscale::of(&call.ctx, &app).await?.into_iter().map(AutoscaleView::from).collect();
    answer::json(&(!specs.is_empty()).then_some(specs))
}

/// Asks for something.
pub async fn add(mut call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.update.unit.autoscale.add", &app.contexts())?;
    let spec: Autoscale = call.input().await.map_err(|e| match e {
        Error::Invalid(why) => Error::Invalid(format!("unable to parse autoscale spec: {why}")),
        other => other,
    })?;
    autoscale::check(&spec, &app)?;
    let app = call.record("app.update.unit.autoscale.add", app).await?;
    let done = autoscale::set(&call.ctx, &app, spec).await;
    app.end(done).await?;
    answer::ok()
}

/// Makes it about another version.
pub async fn swap(mut call: Call) -> Answer {
    let app = call.app().await?;
    call.permit("app.update.unit.autoscale.swap", &app.contexts())?;
    let version = call.inputs().await?.text("version").to_owned();
    if version.is_empty() {
        return Err(Error::invalid("version is required to swap autoscale"));
    }
    let app = call.record("app.update.unit.autoscale.swap", app).await?;
    let done = autoscale::swap(&call.ctx, &app, &version).await;
    app.end(done).await?;
    answer::ok()
}

/// Forgets it.
pub async fn remove(mut call: Call) -> Answer {
    let process = call.inputs().await?.text("process").to_owned();
    let app = call.app().await?;
    call.permit("app.update.unit.autoscale.remove", &app.contexts())?;
    let app = call.record("app.update.unit.autoscale.remove", app).await?;
    let done = autoscale::remove(&call.ctx, &app, &process).await;
    app.end(done).await?;
    answer::ok()
}
