//! How many units processes had before they were stopped: the versions' documents say it where what runs cannot.

use std::collections::BTreeMap;

use crate::{
    app::{rollout::Which, version::AppVersions},
    provisioner::AppState,
};

/// What runs, with the units of before that the provisioner does not know of.
pub fn recall(mut state: AppState, versions: &AppVersions) -> AppState {
    for process in state.processes.iter_mut().filter(|process| process.units == 0 && process.past_units == 0) {
        let noted = versions.number(process.version).and_then(|version| version.past_units.get(&process.name));
        process.past_units = noted.and_then(|units| u32::try_from(*units).ok()).unwrap_or_default();
    }
    state
}

/// What is to be noted before a stop: by version all that is known of its processes, those that stop now with what they have now.
pub fn noted(before: &AppState, which: &Which, versions: &AppVersions) -> BTreeMap<u32, BTreeMap<String, i64>> {
    let mut all = BTreeMap::new();
    for process in before.processes.iter().filter(|process| process.units > 0 && which.selects(process)) {
        let known = || versions.number(process.version).map(|version| version.past_units.clone()).unwrap_or_default();
        all.entry(process.version).or_insert_with(known).insert(process.name.clone(), i64::from(process.units));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::version::Version, provisioner::ProcessState};

    fn state(units: &[(&str, u32)]) -> AppState {
        let process =
            |(name, units): &(&str, u32)| ProcessState { version: 1, name: (*name).into(), units: *units, ..ProcessState::default() };
        AppState { processes: units.iter().map(process).collect(), ..AppState::default() }
    }

    fn versions(past: &[(&str, i64)]) -> AppVersions {
        let mut all = AppVersions::none("a");
        let past_units = past.iter().map(|(name, units)| ((*name).to_owned(), *units)).collect();
        all.versions.insert("1".into(), Version { version: 1, past_units, ..Version::default() });
        all
    }

    #[test]
    fn what_is_stopped_is_known_by_what_was_noted_and_what_runs_by_itself() {
        let seen = recall(state(&[("web", 0), ("worker", 3)]), &versions(&[("web", 2), ("worker", 9)]));
        assert_eq!(seen.processes.iter().map(|process| process.past_units).collect::<Vec<_>>(), [2, 0]);
    }

    #[test]
    fn a_stop_of_one_process_keeps_what_is_noted_of_others() {
        let which = Which { process: Some("web".into()), version: None };
        let noted = noted(&state(&[("web", 4), ("worker", 1)]), &which, &versions(&[("worker", 7)]));
        assert_eq!(noted, [(1, [("web".to_owned(), 4), ("worker".to_owned(), 7)].into())].into());
    }
}
