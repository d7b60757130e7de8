//! How long units may still take. Time in which nothing can be heard of the cluster does not count.

use std::time::Duration;

use crate::provisioner::kubernetes::words;

/// Time that is left.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    progress: (Duration, Duration),
    health: Duration,
    checking: Option<Duration>,
}

/// It is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// No more units became ready.
    Progress(u64),
    /// All ran, and not all became ready.
    Health(u64),
}

impl Over {
    /// As it is told.
    pub fn told(self) -> String {
        match self {
            Self::Progress(seconds) => words::progress_timeout(seconds),
            Self::Health(seconds) => words::health_timeout(seconds),
        }
    }
}

impl Patience {
    /// `progress` for each unit to become ready, `health` for all once they run.
    pub fn new(progress: Duration, health: Duration) -> Self {
        Self { progress: (progress, progress), health, checking: None }
    }

    /// One more became ready.
    pub fn advance(&mut self) {
        self.progress.0 = self.progress.1;
    }

    /// All run now.
    pub fn check(&mut self) {
        self.checking.get_or_insert(self.health);
    }

    /// What is left at least.
    pub fn left(&self) -> Duration {
        self.checking.map_or(self.progress.0, |checking| checking.min(self.progress.0))
    }

    /// So much went by; says when it is over.
    pub fn spend(&mut self, time: Duration) -> Option<Over> {
        self.progress.0 = self.progress.0.saturating_sub(time);
        self.checking = self.checking.map(|left| left.saturating_sub(time));
        if self.checking.is_some_and(|left| left.is_zero()) {
            return Some(Over::Health(self.health.as_secs()));
        }
        self.progress.0.is_zero().then_some(Over::Progress(self.progress.1.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_unit_has_its_time_and_all_have_theirs_once_they_run() {
        let mut patience = Patience::new(seconds(10), seconds(4));
        assert_eq!(patience.spend(seconds(9)), None);
        patience.advance();
        assert_eq!((patience.spend(seconds(9)), patience.left()), (None, seconds(1)));
        assert_eq!(patience.clone().spend(seconds(1)), Some(Over::Progress(10)));
        patience.advance();
        patience.check();
        assert_eq!(patience.spend(seconds(3)), None);
        patience.check();
        assert_eq!((patience.left(), patience.spend(seconds(1))), (seconds(1), Some(Over::Health(4))));
    }
}
