//! Between what was asked for, as clients say it, and what a provisioner does.

use super::{Autoscale, Behavior, Prometheus, ScaleDown, Schedule, cpu_of};
use crate::{
    app::App,
    provisioner::scaling::{CpuLoad, Measured, Scaled, Scaling},
};

/// What a provisioner is asked for. Without a limit of CPU there is nothing to have a percentage of: then it is thousandths of a core.
pub fn to_scaling(spec: &Autoscale, app: &App) -> Scaling {
    let own = app.plan.overridden.as_ref().and_then(|own| own.cpu_milli);
    let limited = own.unwrap_or(app.plan.cpu_milli) > 0;
    let load = |percent: i64| match limited {
        true => CpuLoad::Percent(i32::try_from(percent).unwrap_or(i32::MAX)),
        false => CpuLoad::Milli(percent.saturating_mul(10)),
    };
    let units = |units: u64| u32::try_from(units).unwrap_or(u32::MAX);
    let down = spec.behavior.scale_down.clone().unwrap_or_default();
    Scaling {
        process: spec.process.clone(),
        version: u32::try_from(spec.version).unwrap_or_default(),
        min: units(spec.min_units),
        max: units(spec.max_units),
        cpu: cpu_of(&spec.average_cpu).map(load),
        schedules: spec.schedules.iter().map(scheduled).collect(),
        prometheus: spec.prometheus.iter().map(measured).collect(),
        stabilization: down.stabilization_window,
        percent: down.percentage,
        units: down.units,
    }
}

fn scheduled(schedule: &Schedule) -> Scaled {
    Scaled {
        name: schedule.name.clone(),
        units: schedule.min_replicas,
        start: schedule.start.clone(),
        end: schedule.end.clone(),
        timezone: schedule.timezone.clone(),
    }
}

fn measured(trigger: &Prometheus) -> Measured {
    Measured {
        name: trigger.name.clone(),
        query: trigger.query.clone(),
        threshold: trigger.threshold,
        activation: trigger.activation_threshold,
        address: trigger.address.clone(),
    }
}

/// What a provisioner does, as clients are told.
pub fn of_scaling(scaling: Scaling) -> Autoscale {
    let cpu = scaling.cpu.map(|load| match load {
        CpuLoad::Percent(percent) => format!("{percent}0m"),
        CpuLoad::Milli(milli) => format!("{milli}m"),
    });
    let schedule = |s: Scaled| Schedule { name: s.name, min_replicas: s.units, start: s.start, end: s.end, timezone: s.timezone };
    let prometheus = |m: Measured| Prometheus {
        name: m.name,
        query: m.query,
        threshold: m.threshold,
        activation_threshold: m.activation,
        address: m.address,
    };
    let down = ScaleDown { stabilization_window: scaling.stabilization, percentage: scaling.percent, units: scaling.units };
    Autoscale {
        process: scaling.process,
        min_units: scaling.min.into(),
        max_units: scaling.max.into(),
        average_cpu: cpu.unwrap_or_default(),
        schedules: scaling.schedules.into_iter().map(schedule).collect(),
        prometheus: scaling.prometheus.into_iter().map(prometheus).collect(),
        version: scaling.version.into(),
        behavior: Behavior { scale_down: Some(down) },
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn app(cpu: i64) -> App {
        let plan = doc! {"name": "p", "cpumilli": cpu};
        bson::deserialize_from_document(doc! {"_id": bson::oid::ObjectId::new(), "name": "a", "plan": plan}).unwrap()
    }

    #[test]
    fn cpu_is_a_percentage_of_the_plan_or_thousandths_of_a_core() {
        let spec = |cpu: &str| Autoscale { average_cpu: cpu.into(), ..Autoscale::default() };
        assert_eq!(to_scaling(&spec("50%"), &app(100)).cpu, Some(CpuLoad::Percent(50)));
        assert_eq!(to_scaling(&spec("500m"), &app(0)).cpu, Some(CpuLoad::Milli(500)));
        assert_eq!(to_scaling(&spec(""), &app(100)).cpu, None);
    }

    #[test]
    fn what_is_asked_for_is_told_again() {
        let schedule = Schedule { name: "s".into(), min_replicas: 3, start: "0 8 * * *".into(), ..Schedule::default() };
        let trigger = Prometheus { name: "p".into(), query: "q".into(), threshold: 1.5, ..Prometheus::default() };
        let down = ScaleDown { stabilization_window: Some(1), percentage: Some(2), units: None };
        let spec = Autoscale {
            process: "web".into(),
            min_units: 1,
            max_units: 4,
            average_cpu: "500m".into(),
            schedules: vec![schedule],
            prometheus: vec![trigger],
            version: 2,
            behavior: Behavior { scale_down: Some(down) },
        };
        assert_eq!(of_scaling(to_scaling(&spec, &app(100))), spec);
    }
}
