//! Making and removing plans.

use super::StoredPlan;
use crate::{
    error::{Error, OrNotFound, Result},
    store::{Filter, Store, StoreError, Update},
};

/// Bytes below which no unit runs.
const LEAST_MEMORY: i64 = 4 << 20;

/// Makes a plan. A new default one takes over.
pub async fn create(store: &Store, plan: &StoredPlan) -> Result<()> {
    if plan.name.is_empty() {
        return Err(Error::refused("invalid value for name"));
    }
    if plan.memory > 0 && plan.memory < LEAST_MEMORY {
        return Err(Error::invalid("The minimum allowed memory is 4MB"));
    }
    match store.of::<StoredPlan>().insert(plan).await {
        Err(StoreError::Duplicate(_)) => return Err(Error::conflict("plan already exists")),
        other => other?,
    }
    if plan.default {
        let others = Filter::eq("default", true).and(Filter::ne("_id", &plan.name));
        store.of::<StoredPlan>().update_many(others, Update::unset("default")).await?;
    }
    Ok(())
}

/// Removes a plan; 404 when there is none. Apps keep their copy of it.
pub async fn remove(store: &Store, name: &str) -> Result<()> {
    let removed = store.of::<StoredPlan>().delete(Filter::id(name)).await?;
    (removed > 0).then_some(()).or_not_found("plan not found")
}

/// Bytes from `134217728`, `128Mi`, `128M` (the same, as tsuru takes it) or `1.5Gi`; 0 for anything else.
pub fn bytes(text: &str) -> i64 {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    scale(unit).and_then(|scale| scaled(digits, scale)).unwrap_or(0)
}

fn scale(unit: &str) -> Option<i128> {
    let power = match unit {
        "" => 0,
        "Ki" | "K" => 1,
        "Mi" | "M" => 2,
        "Gi" | "G" => 3,
        "Ti" => 4,
        "Pi" => 5,
        _ => return if unit == "k" { Some(1000) } else { None },
    };
    Some(1 << (10 * power))
}

fn scaled(digits: &str, scale: i128) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = format!("{whole}{fraction}").parse::<i128>().ok()?.checked_mul(scale)?;
    i64::try_from(value / divisor).ok().filter(|_| value % divisor == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_tsuru_reads_them() {
        let cases = [("67108864", 64 << 20), ("64Mi", 64 << 20), ("64M", 64 << 20), ("1.5Gi", 3 << 29), ("1K", 1024), ("0", 0), ("-1", -1)];
        for (text, expected) in cases {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for text in ["", "x", "64X", "1.Mi5", "99999999999999999999Gi", "0.3"] {
            assert_eq!(bytes(text), 0, "{text}");
        }
    }
}
