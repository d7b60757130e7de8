//! Amounts of memory, CPU and storage, written as Kubernetes itself writes them.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 9] = [("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// Bytes: `256Mi`, `1000`.
pub fn bytes(bytes: i64) -> Quantity {
    Quantity(scaled(bytes, 1024, &[&[""], &BINARY[..]].concat()))
}

/// Thousandths of a core: `100m`, `1`, `2500m`.
pub fn milli(milli: i64) -> Quantity {
    Quantity(scaled(milli, 1000, &["m", "", "k", "M", "G"]))
}

/// Billionths of a core: `1500001n`, `3m`.
pub fn nano(nano: i64) -> Quantity {
    Quantity(scaled(nano, 1000, &["n", "u", "m", "", "k"]))
}

/// None at all.
pub fn zero() -> Quantity {
    Quantity("0".into())
}

/// With the largest unit that it is a whole number of.
fn scaled(mut amount: i64, base: i64, units: &[&str]) -> String {
    let mut units = units.iter();
    let mut unit = units.next();
    if amount == 0 {
        return "0".into();
    }
    while amount % base == 0
        && let Some(next) = units.next()
    {
        amount /= base;
        unit = Some(next);
    }
    format!("{amount}{}", unit.unwrap_or(&""))
}

/// What an amount says; `None` when it is none.
pub fn parse(text: &str) -> Option<f64> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || ['.', '+', '-'].contains(&c))).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let number: f64 = number.parse().ok()?;
    Some(number * factor(unit)?)
}

fn factor(unit: &str) -> Option<f64> {
    if unit.is_empty() {
        return Some(1.0);
    }
    if let Some(power) = BINARY.iter().position(|name| *name == unit) {
        return Some(1024_f64.powi(i32::try_from(power).ok()? + 1));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == unit) {
        return Some(10_f64.powi(*power));
    }
    let power = unit.strip_prefix(['e', 'E'])?;
    Some(10_f64.powi(power.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_the_largest_whole_unit() {
        let memory = [0, 1000, 1024, 268_435_456, 1_073_741_824, 1_073_741_825].map(|n| bytes(n).0);
        assert_eq!(memory, ["0", "1000", "1Ki", "256Mi", "1Gi", "1073741825"]);
        let cpu = [0, 50, 100, 1000, 2500, 1_000_000].map(|n| milli(n).0);
        assert_eq!(cpu, ["0", "50m", "100m", "1", "2500m", "1k"]);
    }

    #[test]
    fn amounts_are_read_with_every_unit() {
        assert_eq!(
            ["64Mi", "1.5Gi", "100m", "2k", "1e3", "7"].map(parse),
            [67_108_864.0, 1_610_612_736.0, 0.1, 2000.0, 1000.0, 7.0].map(Some)
        );
        assert_eq!(["", "x", "1x", "Mi", "1 Mi", "1e"].map(parse), [None; 6]);
    }
}
