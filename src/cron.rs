//! When a schedule fires: the five fields, `@daily` and its like, and `@every 90s`, read as tsuru and Kubernetes read them. Times are UTC.

use chrono::{DateTime, Utc};
use croner::Cron;

use crate::clock::Time;

/// One of the five fields.
struct Field {
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { least: 0, most: 59, names: &[] },
    Field { least: 0, most: 23, names: &[] },
    Field { least: 1, most: 31, names: &[] },
    Field { least: 1, most: 12, names: &MONTHS },
    Field { least: 0, most: 6, names: &DAYS },
];
const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const EVERY: &str = "@every ";

/// A schedule.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// At times of the calendar.
    Calendar(Box<Cron>),
    /// Again after so many milliseconds.
    Every(i64),
    /// At a time that no calendar has.
    Never,
}

impl Schedule {
    /// Reads a schedule; what is wrong with it, in the words that Go's parser has for it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty spec string".into());
        }
        if let Some(length) = text.strip_prefix(EVERY) {
            let millis =
                go_duration(length).ok_or_else(|| format!("failed to parse duration {text}: time: invalid duration {length:?}"))?;
            return Ok(Self::Every((millis / 1000).max(1) * 1000));
        }
        if text.starts_with('@') {
            let known = WORDS.iter().find(|(word, _)| *word == text);
            return known.map_or_else(|| Err(format!("unrecognized descriptor: {text}")), |(_, fields)| Self::of_fields(fields));
        }
        Self::of_fields(text)
    }

    fn of_fields(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != FIELDS.len() {
            return Err(format!("expected exactly {} fields, found {}: [{}]", FIELDS.len(), words.len(), words.join(" ")));
        }
        let fields = words.iter().zip(&FIELDS).map(|(word, field)| field.numbers(word)).collect::<Result<Vec<String>, String>>()?;
        if fields.iter().any(String::is_empty) {
            return Ok(Self::Never);
        }
        let cron = fields.join(" ").parse::<Cron>().map_err(|e| e.to_string())?;
        Ok(Self::Calendar(Box::new(cron)))
    }

    /// The first time after this one; none when there is none.
    pub fn after(&self, time: Time) -> Option<Time> {
        match self {
            Self::Calendar(cron) => {
                let from = DateTime::<Utc>::from_timestamp_millis(time.millis())?;
                let next = cron.find_next_occurrence(&from, false).ok()?;
                Some(Time::from_millis(next.timestamp_millis()))
            }
            Self::Every(millis) => Some(Time::from_millis(time.millis().saturating_add(*millis))),
            Self::Never => None,
        }
    }
}

impl Field {
    /// All numbers of the field, or `*`.
    fn numbers(&self, word: &str) -> Result<String, String> {
        let (mut all, mut star) = (std::collections::BTreeSet::new(), false);
        for part in word.split(',').filter(|part| !part.is_empty()) {
            let (numbers, is_star) = self.range(part)?;
            all.extend(numbers);
            star |= is_star;
        }
        if star {
            return Ok("*".into());
        }
        Ok(all.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
    }

    /// `*`, `5`, `1-5`, `*/10`, `1-5/2`, `10/5`, with names where there are some.
    fn range(&self, part: &str) -> Result<(Vec<u32>, bool), String> {
        let steps: Vec<&str> = part.split('/').collect();
        let ends: Vec<&str> = steps.first().copied().unwrap_or_default().split('-').collect();
        let (low, mut high, mut star) = match ends.as_slice() {
            ["*" | "?", ..] => (self.least, self.most, true),
            [one] => {
                let number = self.number(one)?;
                (number, number, false)
            }
            [low, high] => (self.number(low)?, self.number(high)?, false),
            _ => return Err(format!("too many hyphens: {part}")),
        };
        let step = match steps.as_slice() {
            [_] => 1,
            [_, step] => {
                let step = int(step)?;
                if ends.len() == 1 {
                    high = self.most;
                }
                star &= step <= 1;
                step
            }
            _ => return Err(format!("too many slashes: {part}")),
        };
        self.check(low, high, step, part)?;
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        Ok(((low..=high).step_by(step).collect(), star))
    }

    fn check(&self, low: u32, high: u32, step: u32, part: &str) -> Result<(), String> {
        if low < self.least {
            return Err(format!("beginning of range ({low}) below minimum ({}): {part}", self.least));
        }
        if high > self.most {
            return Err(format!("end of range ({high}) above maximum ({}): {part}", self.most));
        }
        if low > high {
            return Err(format!("beginning of range ({low}) beyond end of range ({high}): {part}"));
        }
        if step == 0 {
            return Err(format!("step of range should be a positive number: {part}"));
        }
        Ok(())
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let lower = text.to_ascii_lowercase();
        let named = self.names.iter().position(|name| *name == lower).and_then(|at| u32::try_from(at).ok());
        named.map_or_else(|| int(text), |at| Ok(at + self.least))
    }
}

fn int(text: &str) -> Result<u32, String> {
    let wrong = |why: &str| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {why}");
    let number = text.parse::<i64>().ok().ok_or_else(|| wrong("invalid syntax"))?;
    if number < 0 {
        return Err(format!("negative number ({number}) not allowed: {text}"));
    }
    u32::try_from(number).ok().ok_or_else(|| wrong("value out of range"))
}

/// Milliseconds of a duration as Go writes it: `1h30m`, `90s`, `1.5h`.
fn go_duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("h", 3_600_000.0), ("m", 60_000.0), ("s", 1000.0)];
    let (mut rest, mut millis) = (text.strip_prefix('+').unwrap_or(text), 0.0);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let (unit, factor) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        millis += number.parse::<f64>().ok()? * factor;
        rest = after.strip_prefix(unit)?;
    }
    // Longer than Go's longest duration.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (millis < 9.2e12).then_some(millis as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, from: &str) -> Option<String> {
        let from = DateTime::parse_from_rfc3339(from).unwrap().timestamp_millis();
        Schedule::parse(schedule).unwrap().after(Time::from_millis(from)).map(|time| time.rfc3339())
    }

    #[test]
    fn schedules_fire_when_they_say() {
        let from = "2026-11-21T04:40:30Z"; // a Saturday
        for (schedule, wanted) in [
            ("* * * * *", "2026-11-21T04:41:00Z"),
            ("*/15 * * * *", "2026-11-21T04:45:00Z"),
            ("0 3 * * *", "2026-11-22T03:00:00Z"),
            ("30/10 4 * * *", "2026-11-21T04:50:00Z"),
            ("0 0 1 jan *", "2027-01-01T00:00:00Z"),
            ("0 0 ? * MON-FRI", "2026-11-23T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("0 0 25 * 0", "2026-11-22T00:00:00Z"), // either day, as cron has it
            ("0 0 */2 * 1", "2026-11-23T00:00:00Z"),
            ("0 0 1-31 * 1", "2026-11-22T00:00:00Z"),
            ("@hourly", "2026-11-21T05:00:00Z"),
            ("@weekly", "2026-11-22T00:00:00Z"),
            ("@every 1h30m", "2026-11-21T06:10:30Z"),
            ("@every 1ms", "2026-11-21T04:40:31Z"),
        ] {
            assert_eq!(next(schedule, from).as_deref(), Some(wanted), "{schedule}");
        }
    }

    #[test]
    fn a_day_that_never_comes_is_no_endless_search() {
        assert_eq!(next("* * 31 2 *", "2026-11-21T04:40:30Z"), None);
        assert_eq!(next(", * * * *", "2026-11-21T04:40:30Z"), None);
    }

    #[test]
    fn what_is_wrong_is_said_as_go_says_it() {
        for (schedule, wrong) in [
            ("", "empty spec string"),
            ("abc", "expected exactly 5 fields, found 1: [abc]"),
            ("0 0 0 * * *", "expected exactly 5 fields, found 6: [0 0 0 * * *]"),
            ("61 * * * *", "end of range (61) above maximum (59): 61"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("* * * * 7", "end of range (7) above maximum (6): 7"),
            ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("* * L * *", "failed to parse int from L: strconv.Atoi: parsing \"L\": invalid syntax"),
            ("@never", "unrecognized descriptor: @never"),
            ("@every soon", "failed to parse duration @every soon: time: invalid duration \"soon\""),
        ] {
            assert_eq!(Schedule::parse(schedule).unwrap_err(), wrong, "{schedule}");
        }
    }
}
