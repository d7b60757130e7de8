//! What a unit may use, and what it is sure to get.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity};

use super::quantity;
use crate::provisioner::kubernetes::settings::Factors;

/// What a plan says.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Bytes; 0: no limit.
    pub memory: i64,
    /// Thousandths of a core; 0: no limit.
    pub cpu_milli: i64,
    /// How far above its share of CPU it may go; 0: not said.
    pub burst: f64,
}

/// Limits are the plan's; requests are divided by the pool's overcommit, the CPU's limit is multiplied by the burst.
pub fn of(size: Size, factors: &Factors, ephemeral_storage: &str) -> ResourceRequirements {
    let mut limits = BTreeMap::new();
    let mut requests = BTreeMap::new();
    if size.memory != 0 {
        limits.insert("memory".to_owned(), quantity::bytes(size.memory));
        requests.insert("memory".to_owned(), quantity::bytes(divided(size.memory, first(factors.memory, factors.both))));
    }
    if size.cpu_milli != 0 {
        let burst = if size.burst > 1.0 { size.burst } else { factors.burst };
        limits.insert("cpu".to_owned(), quantity::milli(multiplied(size.cpu_milli, burst.max(1.0))));
        requests.insert("cpu".to_owned(), quantity::milli(divided(size.cpu_milli, first(factors.cpu, factors.both))));
    }
    if quantity::parse(ephemeral_storage).is_some_and(|bytes| bytes > 0.0) {
        limits.insert("ephemeral-storage".to_owned(), Quantity(ephemeral_storage.into()));
        requests.insert("ephemeral-storage".to_owned(), quantity::zero());
    }
    ResourceRequirements { limits: super::some(limits), requests: super::some(requests), ..ResourceRequirements::default() }
}

fn first(own: f64, both: f64) -> f64 {
    (if own == 0.0 { both } else { own }).max(1.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "whole bytes are wanted; amounts are far below 2^52")]
fn divided(amount: i64, factor: f64) -> i64 {
    (amount as f64 / factor) as i64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "whole thousandths are wanted; amounts are far below 2^52"
)]
fn multiplied(amount: i64, factor: f64) -> i64 {
    (amount as f64 * factor) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(size: Size, factors: &Factors) -> String {
        let found = of(size, factors, "0");
        let text = |all: Option<BTreeMap<String, Quantity>>| {
            all.unwrap_or_default().into_iter().map(|(name, amount)| format!("{name} {}", amount.0)).collect::<Vec<_>>().join(", ")
        };
        format!("{} of {}", text(found.requests), text(found.limits))
    }

    #[test]
    fn requests_are_divided_and_the_limit_of_cpu_is_multiplied() {
        let size = Size { memory: 1 << 30, cpu_milli: 1000, burst: 0.0 };
        assert_eq!(shown(size, &Factors::default()), "cpu 1, memory 1Gi of cpu 1, memory 1Gi");
        let factors = Factors { both: 2.0, ..Factors::default() };
        assert_eq!(shown(size, &factors), "cpu 500m, memory 512Mi of cpu 1, memory 1Gi");
        let factors = Factors { both: 2.0, cpu: 4.0, memory: 0.5, burst: 1.5 };
        assert_eq!(shown(size, &factors), "cpu 250m, memory 1Gi of cpu 1500m, memory 1Gi");
        assert_eq!(shown(Size { burst: 3.0, ..size }, &factors), "cpu 250m, memory 1Gi of cpu 3, memory 1Gi");
    }

    #[test]
    fn no_limit_is_no_entry() {
        assert_eq!(shown(Size { memory: 0, cpu_milli: 0, burst: 2.0 }, &Factors::default()), " of ");
        assert_eq!(
            of(Size { memory: 0, cpu_milli: 0, burst: 0.0 }, &Factors::default(), "100Mi").limits.unwrap()["ephemeral-storage"].0,
            "100Mi"
        );
    }
}
