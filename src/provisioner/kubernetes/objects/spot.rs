//! Where the deployment of a process stands in the cluster: its name, and whether it is the base one or that of a version beside others.

use std::collections::BTreeMap;

use super::{
    labels::{self, Labels},
    names,
};
use crate::provisioner::{AppState, ProcessState};

/// A deployment's place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spot {
    /// Its name, which is also its container's.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// It is the base one; otherwise it is of one version beside others.
    pub base: bool,
    /// Requests go to its pods.
    pub routable: bool,
    /// What it finds its pods by, when it exists already: that never changes.
    pub selector: Option<Labels>,
}

/// A deployment that exists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Existing {
    /// Its name.
    pub name: String,
    /// Its process.
    pub process: String,
    /// Its version.
    pub version: u32,
    /// It is the base one.
    pub base: bool,
    /// What it finds its pods by.
    pub selector: Labels,
}

/// The place of each `(version, process)` of a state. A version that is there stays where it is; a new one is beside the others when
/// a base stays, else it takes the base's place.
pub fn all(want: &AppState, namespace: &str, existing: &[Existing]) -> BTreeMap<(u32, String), Spot> {
    let of = |process: &ProcessState| ((process.version, process.name.clone()), spot(want, process, namespace, existing));
    want.processes.iter().map(of).collect()
}

fn spot(want: &AppState, process: &ProcessState, namespace: &str, existing: &[Existing]) -> Spot {
    let there = existing.iter().find(|one| one.version == process.version && one.process == process.name);
    let wanted = |version: u32| want.processes.iter().any(|other| other.version == version);
    // The versions whose base deployments stay: a plain deploy takes their place, and then they are not wanted any more.
    let base_stays = existing.iter().any(|one| one.base && one.version != process.version && wanted(one.version));
    let older = want.processes.iter().map(|other| other.version).min().is_some_and(|first| first < process.version);
    let taken = base_stays || (existing.iter().all(|one| !one.base) && older);
    let base = there.map_or(!taken, |there| there.base) || replaces_all(want, process, existing);
    let routable = want.processes.iter().any(|other| other.version == process.version && other.routable);
    let kept = there.filter(|there| there.base == base);
    let name = match kept {
        Some(there) => there.name.clone(),
        None if base => names::base(&want.app, &process.name),
        None => names::versioned(&want.app, &process.name, process.version),
    };
    let selector = kept.filter(|there| !there.base).map(|there| there.selector.clone());
    Spot { name, namespace: namespace.into(), base, routable, selector }
}

/// It is deployed alone, and others that are there have to go. One that is alone already stays where it is, and so does one that goes
/// on as it runs.
fn replaces_all(want: &AppState, process: &ProcessState, existing: &[Existing]) -> bool {
    let alone = !process.command.is_empty() && want.processes.iter().all(|other| other.version == process.version);
    alone && existing.iter().any(|one| one.version != process.version)
}

impl Existing {
    /// What a deployment's name, the labels and annotations of its pods and its selector say; `None` when it has no version.
    pub fn read(name: &str, labels: &Labels, annotations: Option<&Labels>, selector: &Labels) -> Option<Self> {
        let find = |name: &str| labels::lookup(Some(labels), annotations, name);
        let version = find("app-version")?.parse().ok().filter(|version| *version > 0)?;
        let process = find("app-process")?.to_owned();
        let base = find("is-isolated-run").is_some();
        Some(Self { name: name.into(), process, version, base, selector: selector.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(versions: &[(u32, bool)]) -> AppState {
        let process = |(version, routable): &(u32, bool)| ProcessState {
            version: *version,
            name: "web".into(),
            command: vec!["./web".into()],
            routable: *routable,
            ..ProcessState::default()
        };
        AppState { app: "a".into(), processes: versions.iter().map(process).collect(), ..AppState::default() }
    }

    fn there(version: u32, base: bool) -> Existing {
        let name = if base { "a-web".into() } else { format!("a-web-v{version}") };
        Existing { name, process: "web".into(), version, base, selector: Labels::new() }
    }

    fn places(want: &AppState, existing: &[Existing]) -> Vec<(String, bool, bool)> {
        all(want, "default", existing).into_values().map(|spot| (spot.name, spot.base, spot.routable)).collect()
    }

    #[test]
    fn the_first_version_is_the_base_and_later_ones_take_its_place() {
        assert_eq!(places(&want(&[(1, true)]), &[]), [("a-web".into(), true, true)]);
        assert_eq!(places(&want(&[(2, true)]), &[there(1, true)]), [("a-web".into(), true, true)]);
    }

    #[test]
    fn a_version_beside_others_has_a_deployment_of_its_own() {
        let both = want(&[(1, true), (2, false)]);
        let expected = [("a-web".into(), true, true), ("a-web-v2".into(), false, false)];
        assert_eq!(places(&both, &[there(1, true)]), expected);
        assert_eq!(places(&both, &[there(1, true), there(2, false)]), expected);
        assert_eq!(places(&both, &[]), expected);
    }

    #[test]
    fn a_base_of_a_later_version_stays_where_it_is() {
        let rolled_back = want(&[(1, false), (3, true)]);
        assert_eq!(places(&rolled_back, &[there(3, true)]), [("a-web-v1".into(), false, false), ("a-web".into(), true, true)]);
    }

    #[test]
    fn a_version_that_is_left_alone_stays_beside_the_place_of_the_base() {
        assert_eq!(places(&want(&[(2, true)]), &[there(2, false)]), [("a-web-v2".into(), false, true)]);
        assert_eq!(places(&want(&[(3, true)]), &[there(2, false)]), [("a-web".into(), true, true)]);
    }

    #[test]
    fn a_version_that_goes_on_as_it_runs_stays_where_it_is_when_others_go() {
        let mut left = want(&[(2, true)]);
        left.processes[0].command.clear();
        assert_eq!(places(&left, &[there(1, true), there(2, false)]), [("a-web-v2".into(), false, true)]);
    }

    #[test]
    fn overriding_all_versions_moves_the_new_one_to_the_base() {
        assert_eq!(places(&want(&[(2, true)]), &[there(1, true), there(2, false)]), [("a-web".into(), true, true)]);
    }
}
