//! Limits of how many events begin within a time.

use std::time::Duration;

use super::{Begin, Event, Events, LEASE};
use crate::{
    clock::Time,
    config::Limit,
    error::{Error, Result},
    store::Filter,
};

impl Events {
    /// Why this event may not begin now, if too many began of late: about its target, or about all of the type.
    pub(super) async fn throttled(&self, begin: &Begin) -> Result<Option<Error>> {
        for all_targets in [false, true] {
            let Some(limit) = limit_of(&self.limits, begin, all_targets) else { continue };
            if self.store.of::<Event>().count(counted(limit, begin)).await? >= limit.limit {
                return Ok(Some(refusal(limit, begin)));
            }
        }
        Ok(None)
    }
}

/// A limit of the kind wins over one of all kinds; of two alike the later one.
fn limit_of<'a>(limits: &'a [Limit], begin: &Begin, all_targets: bool) -> Option<&'a Limit> {
    let word = begin.target.kind.word();
    let find = |kind: &str| {
        let fits = |limit: &&Limit| limit.target_type == word && limit.kind_name == kind && limit.all_targets == all_targets;
        limits.iter().rev().find(fits)
    };
    find(&begin.kind).or_else(|| find(""))
}

fn counted(limit: &Limit, begin: &Begin) -> Filter {
    let late = Filter::gt("starttime", before(limit.window()));
    let late = match limit.wait_finish {
        true => Filter::Or(vec![late, Filter::eq("running", true).and(Filter::gt("lockupdatetime", before(LEASE)))]),
        false => late,
    };
    let about = match limit.all_targets {
        true => Filter::eq("target.type", begin.target.kind),
        false => Filter::eq("target.type", begin.target.kind).and(Filter::eq("target.value", &begin.target.value)),
    };
    let of_kind = (!limit.kind_name.is_empty()).then(|| Filter::eq("kind.name", &limit.kind_name));
    of_kind.into_iter().fold(about.and(late), Filter::and)
}

fn before(time: Duration) -> Time {
    let back = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Time::from_millis(Time::now().millis().saturating_sub(back))
}

fn refusal(limit: &Limit, begin: &Begin) -> Error {
    let word = begin.target.kind.word();
    let kind = if limit.kind_name.is_empty() { String::new() } else { format!(" {} on", limit.kind_name) };
    let target = if limit.all_targets { format!("any {word}") } else { format!("{word} {:?}", begin.target.value) };
    Error::refused(format!("event throttled, limit for{kind} {target} is {} every {}", limit.limit, in_words(limit.window)))
}

/// As Go prints a duration.
fn in_words(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn durations_are_printed_as_go_does() {
        assert_eq!([5, 60, 3605].map(in_words), ["5s", "1m0s", "1h0m5s"]);
    }
}
