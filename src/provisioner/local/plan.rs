//! What has to change to get from the units there are to the wanted ones.

use std::sync::Arc;

use super::{running::Running, wanted::fingerprint};
use crate::provisioner::{AppState, ProcessState, UnitStatus};

/// What happens to one process.
#[derive(Debug)]
pub struct Step {
    /// Its wanted state.
    pub process: ProcessState,
    /// Of that state.
    pub fingerprint: String,
    /// Units that stay.
    pub kept: Vec<Arc<Running>>,
    /// Units to start.
    pub missing: u32,
    /// Units of it that leave.
    pub leaving: usize,
}

impl Step {
    /// Nothing happens to it.
    pub fn is_idle(&self) -> bool {
        self.missing == 0 && self.leaving == 0
    }
}

/// One step for each wanted process. The units that are best off stay.
pub fn steps(want: &AppState, units: &[Arc<Running>]) -> Vec<Step> {
    let step = |process: &ProcessState| {
        let fingerprint = fingerprint(&want.platform, process);
        let own = |unit: &&Arc<Running>| unit.record.process == process.name && unit.record.version == process.version;
        let mut kept: Vec<_> = units.iter().filter(own).filter(|unit| unit.record.fingerprint == fingerprint).cloned().collect();
        kept.sort_by_key(|unit| (unit.now().status != UnitStatus::Started, unit.record.created_at));
        kept.truncate(process.units as usize);
        let same_name = units.iter().filter(|unit| unit.record.process == process.name);
        let wanted_elsewhere = |unit: &&Arc<Running>| {
            unit.record.version != process.version
                && want.processes.iter().any(|other| other.version == unit.record.version && other.name == process.name)
        };
        let leaving = same_name.filter(|unit| !wanted_elsewhere(unit)).count() - kept.len();
        let missing = process.units - u32::try_from(kept.len()).unwrap_or(process.units);
        Step { process: process.clone(), fingerprint, kept, missing, leaving }
    };
    want.processes.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::local::{running::Kind, spec::Record};

    fn process(version: u32, name: &str, units: u32) -> ProcessState {
        ProcessState { version, name: name.into(), units, ..ProcessState::default() }
    }

    fn want(processes: &[ProcessState]) -> AppState {
        AppState { app: "a".into(), processes: processes.to_vec(), ..AppState::default() }
    }

    fn unit(process: &ProcessState, n: i64) -> Arc<Running> {
        let record = Record {
            id: format!("u{n}"),
            version: process.version,
            process: process.name.clone(),
            fingerprint: fingerprint("", process),
            created_at: n,
            ..Record::default()
        };
        Running::new(record, process.clone(), "/nowhere".into(), Kind::Process)
    }

    #[test]
    fn scaling_keeps_what_is_there() {
        let web = process(1, "web", 2);
        let units = [unit(&web, 1), unit(&web, 2)];
        let more = &steps(&want(&[process(1, "web", 5)]), &units)[0];
        assert_eq!((more.kept.len(), more.missing, more.leaving), (2, 3, 0));
        let fewer = &steps(&want(&[process(1, "web", 1)]), &units)[0];
        assert_eq!((fewer.kept[0].record.id.as_str(), fewer.missing, fewer.leaving), ("u1", 0, 1));
        assert!(steps(&want(&[web]), &units)[0].is_idle());
    }

    #[test]
    fn a_new_version_replaces_the_old_one_unless_both_are_wanted() {
        let (old, new) = (process(1, "web", 1), process(2, "web", 1));
        let units = [unit(&old, 1)];
        let replaced = &steps(&want(std::slice::from_ref(&new)), &units)[0];
        assert_eq!((replaced.kept.len(), replaced.missing, replaced.leaving), (0, 1, 1));
        let both = steps(&want(&[old, new]), &units);
        assert!(both[0].is_idle());
        assert_eq!((both[1].missing, both[1].leaving), (1, 0));
    }

    #[test]
    fn other_processes_stay_untouched() {
        let (web, worker) = (process(1, "web", 1), process(1, "worker", 1));
        let units = [unit(&web, 1), unit(&worker, 2)];
        let restarted = ProcessState { restarted: 9, ..worker };
        let both = steps(&want(&[web, restarted]), &units);
        assert!(both[0].is_idle());
        assert_eq!((both[1].missing, both[1].leaving), (1, 1));
    }
}
