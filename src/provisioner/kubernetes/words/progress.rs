//! How far a rollout is: a line whenever a number changed.

use k8s_openapi::api::apps::v1::Deployment;

use super::action;

/// Numbers of a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Units that it should have.
    pub wanted: i32,
    /// New units that were made.
    pub updated: i32,
    /// Units that are not ready, old and new.
    pub unavailable: i32,
    /// All units, old and new.
    pub total: i32,
}

impl Counts {
    /// What a deployment says; `None` before its controller saw its last change.
    pub fn read(deployment: &Deployment) -> Option<Self> {
        let status = deployment.status.as_ref()?;
        if status.observed_generation.unwrap_or_default() < deployment.metadata.generation.unwrap_or_default() {
            return None;
        }
        Some(Self {
            wanted: deployment.spec.as_ref()?.replicas.unwrap_or(1),
            updated: status.updated_replicas.unwrap_or_default(),
            unavailable: status.unavailable_replicas.unwrap_or_default(),
            total: status.replicas.unwrap_or_default(),
        })
    }

    fn ready(self) -> i32 {
        self.updated - self.unavailable
    }

    fn leaving(self) -> i32 {
        self.total - self.updated
    }

    /// The rollout is over.
    pub fn is_done(self) -> bool {
        self.ready() == self.wanted && self.total == self.wanted
    }
}

/// What was said so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    last: Option<Counts>,
    most_ready: i32,
    checking: bool,
}

impl Progress {
    /// The lines for what changed. `running`: all new pods run, so that only their health is waited for.
    pub fn lines(&mut self, now: Counts, running: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let before = self.last.replace(now);
        let changed = |of: fn(Counts) -> i32| before.is_none_or(|before| of(before) != of(now));
        if changed(|counts| counts.updated) {
            lines.push(action(&format!("{} of {} new units created", now.updated, now.wanted)));
        }
        if !self.checking && now.updated == now.wanted && running {
            self.checking = true;
            lines.push(action(&format!("waiting healthcheck on {} created units", now.wanted)));
        }
        if changed(Counts::ready) && now.ready() >= 0 {
            lines.push(action(&format!("{} of {} new units ready", now.ready(), now.wanted)));
        }
        if changed(Counts::leaving) && now.leaving() > 0 {
            lines.push(action(&format!("{} old units pending termination", now.leaving())));
        }
        lines
    }

    /// More units are ready than ever before: the time for progress begins anew.
    pub fn advanced(&mut self, now: Counts) -> bool {
        let advanced = now.ready() > self.most_ready;
        self.most_ready = self.most_ready.max(now.ready());
        advanced
    }

    /// All new units run; the time for their health has begun.
    pub fn is_checking(&self) -> bool {
        self.checking
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(updated: i32, unavailable: i32, total: i32) -> Counts {
        Counts { wanted: 2, updated, unavailable, total }
    }

    #[test]
    fn a_restart_of_two_units_reads_as_recorded() {
        let mut progress = Progress::default();
        let steps = [(counts(2, 2, 4), false), (counts(2, 2, 4), true), (counts(2, 0, 4), true), (counts(2, 0, 2), true)];
        let said: String = steps.iter().flat_map(|(now, running)| progress.lines(*now, *running)).collect();
        let recorded = " ---> 2 of 2 new units created\n ---> 0 of 2 new units ready\n ---> 2 old units pending termination\n \
                        ---> waiting healthcheck on 2 created units\n ---> 2 of 2 new units ready\n";
        assert_eq!(said, recorded);
        assert!(!counts(2, 0, 4).is_done() && counts(2, 0, 2).is_done());
        assert!(progress.is_checking());
    }

    #[test]
    fn a_stop_reads_as_recorded() {
        let mut progress = Progress::default();
        let now = Counts { wanted: 0, updated: 0, unavailable: 0, total: 2 };
        let recorded = " ---> 0 of 0 new units created\n ---> waiting healthcheck on 0 created units\n ---> 0 of 0 new units ready\n \
                        ---> 2 old units pending termination\n";
        assert_eq!(progress.lines(now, true).concat(), recorded);
        assert!(progress.lines(Counts { total: 0, ..now }, true).is_empty());
    }

    #[test]
    fn only_more_ready_units_than_ever_are_an_advance() {
        let mut progress = Progress::default();
        let advances = [2, 1, 2, 0].map(|unavailable| progress.advanced(counts(2, unavailable, 2)));
        assert_eq!(advances, [false, true, false, true]);
    }

    #[test]
    fn numbers_from_before_the_last_change_say_nothing() {
        let read = |generation: i64| {
            let status = serde_json::json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1});
            let deployment = serde_json::json!({"metadata": {"generation": generation}, "spec": {"replicas": 1}, "status": status});
            Counts::read(&serde_json::from_value(deployment).unwrap())
        };
        assert_eq!(read(2), None);
        assert!(read(1).unwrap().is_done());
    }
}
