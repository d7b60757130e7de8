//! What can be asked for.

use super::{Autoscale, Prometheus, Schedule};
use crate::{
    app::App,
    cron,
    error::{Error, Result},
    names,
};

/// 400 for what makes no sense.
pub fn check(spec: &Autoscale, app: &App) -> Result<()> {
    fault(spec, app).map_err(|why| Error::invalid(text(&why)))
}

/// What makes no sense, as it is told.
pub fn text(why: &str) -> String {
    format!("unable to validate autoscale spec: {why}")
}

/// More units than the app may have.
pub const ABOVE_QUOTA: &str = "maximum units cannot be greater than quota limit";

fn fault(spec: &Autoscale, app: &App) -> Result<(), String> {
    if spec.min_units == 0 {
        return Err("minimum units must be greater than 0".into());
    }
    if spec.max_units <= spec.min_units {
        return Err("maximum units must be greater than minimum units".into());
    }
    if u64::try_from(app.quota.limit).is_ok_and(|limit| limit > 0 && spec.max_units > limit) {
        return Err(ABOVE_QUOTA.into());
    }
    if spec.average_cpu.is_empty() && spec.schedules.is_empty() && spec.prometheus.is_empty() {
        return Err("you have to configure at least one trigger between cpu, schedule and prometheus".into());
    }
    if !spec.average_cpu.is_empty() {
        check_cpu(&spec.average_cpu, app)?;
    }
    spec.schedules.iter().try_for_each(check_schedule)?;
    spec.prometheus.iter().try_for_each(check_prometheus)?;
    check_scale_down(spec)
}

/// Percent of the plan's CPU: of `50%`, `50`, `500m`.
pub fn cpu_of(text: &str) -> Option<i64> {
    let percent = text.strip_suffix('%').unwrap_or(text).parse::<i64>().ok();
    percent.or_else(|| text.strip_suffix('m')?.parse::<i64>().ok().map(|milli| milli / 10))
}

fn check_cpu(text: &str, app: &App) -> Result<(), String> {
    let percent = cpu_of(text).ok_or_else(|| format!("unable to parse value {text:?} as autoscale cpu percentage"))?;
    let own = app.plan.overridden.as_ref().and_then(|own| own.cpu_milli);
    match percent {
        // Without a limit there is nothing to have a percentage of.
        _ if own.unwrap_or(app.plan.cpu_milli) == 0 => Ok(()),
        96.. => Err("autoscale cpu value cannot be greater than 95%".into()),
        ..20 => Err("autoscale cpu value cannot be less than 20%".into()),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let text = "is an invalid name, it must contain only lower case letters, numbers or dashes and starts with a letter";
    if names::is_common(name) { Ok(()) } else { Err(format!("\"{name}\" {text}")) }
}

fn check_schedule(schedule: &Schedule) -> Result<(), String> {
    let name = &schedule.name;
    if !name.is_empty() {
        check_name(name)?;
    }
    cron::Schedule::parse(&schedule.start).map_err(|why| format!("invalid start time for schedule {name:?}: {why}"))?;
    cron::Schedule::parse(&schedule.end).map_err(|why| format!("invalid end time for schedule {name:?}: {why}"))?;
    Ok(())
}

fn check_prometheus(trigger: &Prometheus) -> Result<(), String> {
    let name = &trigger.name;
    check_name(name)?;
    if trigger.threshold.is_nan() || trigger.threshold <= 0.0 {
        return Err(format!("prometheus threshold of name {name:?} must be greater than 0"));
    }
    if trigger.activation_threshold < 0.0 {
        return Err(format!("prometheus activationThreshold of name {name:?} must be greater than 0"));
    }
    Ok(())
}

fn check_scale_down(spec: &Autoscale) -> Result<(), String> {
    let down = spec.behavior.scale_down.clone().unwrap_or_default();
    let negative = |value: Option<i32>| value.is_some_and(|value| value < 0);
    match () {
        () if negative(down.percentage) => Err("not enough percentage to scale down".into()),
        () if negative(down.stabilization_window) => Err("not enough stabilization window to scale down".into()),
        () if negative(down.units) => Err("not enough units to scale down".into()),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::cpu_of;

    #[test]
    fn cpu_is_read_in_three_ways() {
        assert_eq!(["50%", "50", "500m", "x", "5%m", ""].map(cpu_of), [Some(50), Some(50), Some(50), None, None, None]);
    }
}
