//! An app's own numbers over those of its plan.

use crate::{
    error::{Error, Result},
    plan::{Plan, PlanOverride},
};

/// The plan with these numbers over it. What is not said stays; zero takes the plan's number again.
pub fn overridden(mut plan: Plan, own: &PlanOverride) -> Result<Plan> {
    let mut numbers = plan.overridden.take().unwrap_or_default();
    numbers.memory = number("memory", numbers.memory, own.memory)?;
    numbers.cpu_milli = number("cpumilli", numbers.cpu_milli, own.cpu_milli)?;
    numbers.cpu_burst = match own.cpu_burst {
        Some(factor) if !(factor.is_finite() && factor >= 0.0) => return Err(Error::invalid("invalid value for cpuBurst")),
        Some(0.0) => None,
        other => other.or(numbers.cpu_burst),
    };
    numbers.runtime_class = match own.runtime_class.as_deref() {
        Some("") => None,
        Some(class) => Some(class.into()),
        None => numbers.runtime_class,
    };
    let most = plan.cpu_burst.as_ref().map_or(0.0, |burst| burst.max_allowed);
    if most > 0.0 && numbers.cpu_burst.is_some_and(|factor| factor > most) {
        return Err(Error::invalid(format!("CPU burst exceeds the maximum allowed by plan {:?}", plan.name)));
    }
    plan.overridden = (numbers != PlanOverride::default()).then_some(numbers);
    Ok(plan)
}

fn number(name: &str, before: Option<i64>, asked: Option<i64>) -> Result<Option<i64>> {
    match asked {
        None => Ok(before),
        Some(0) => Ok(None),
        Some(number) if number < 0 => Err(Error::invalid(format!("invalid value for {name}"))),
        Some(number) => Ok(Some(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CpuBurst;

    #[test]
    fn zero_takes_the_plans_number_again() {
        let own = PlanOverride { memory: Some(7), cpu_milli: Some(5), ..Default::default() };
        let plan = overridden(Plan::default(), &own).unwrap();
        assert_eq!(plan.overridden, Some(own));
        let plan = overridden(plan, &PlanOverride { memory: Some(0), ..Default::default() }).unwrap();
        assert_eq!(plan.overridden, Some(PlanOverride { cpu_milli: Some(5), ..Default::default() }));
        let plan = overridden(plan, &PlanOverride { cpu_milli: Some(0), ..Default::default() }).unwrap();
        assert_eq!(plan.overridden, None);
    }

    #[test]
    fn numbers_stay_within_what_the_plan_allows() {
        let plan = Plan { name: "p".into(), cpu_burst: Some(CpuBurst { default: 1.0, max_allowed: 2.0 }), ..Default::default() };
        let burst = |factor| PlanOverride { cpu_burst: Some(factor), ..Default::default() };
        assert!(overridden(plan.clone(), &burst(2.0)).is_ok());
        let refused = overridden(plan.clone(), &burst(2.5)).unwrap_err().to_string();
        assert_eq!(refused, r#"CPU burst exceeds the maximum allowed by plan "p""#);
        assert!(overridden(plan.clone(), &burst(f64::NAN)).is_err());
        assert!(overridden(plan, &PlanOverride { memory: Some(-1), ..Default::default() }).is_err());
    }
}
