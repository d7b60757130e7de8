use bson::doc;

use super::*;

fn app() -> App {
    bson::deserialize_from_document(doc! {
        "_id": bson::oid::ObjectId::new(), "name": "a", "framework": "python", "cname": ["a.org"], "plan": {"name": "p", "memory": 64, "cpumilli": 100},
        "processes": [{"name": "worker", "plan": "big"}],
    })
    .unwrap()
}

fn versions() -> AppVersions {
    let mut all = AppVersions::none("a");
    for number in 1..=3 {
        let processes = ["web", "worker"].map(|name| (name.to_owned(), vec![format!("{name} {number}")])).into();
        all.versions.insert(number.to_string(), Version { version: number, processes, ..Version::default() });
    }
    all
}

struct World {
    app: App,
    versions: AppVersions,
    env: BTreeMap<String, Secret>,
    plans: BTreeMap<String, Plan>,
    mounts: Vec<Mount>,
    place: AppPlace,
}

impl World {
    fn new() -> Self {
        let big = Plan { memory: 1024, cpu_milli: 500, ..Plan::default() };
        Self {
            app: app(),
            versions: versions(),
            env: [("K".into(), "v".into())].into(),
            plans: [("big".into(), big)].into(),
            mounts: Vec::new(),
            place: AppPlace::default(),
        }
    }

    fn recipe(&self) -> Recipe<'_> {
        Recipe { app: &self.app, versions: &self.versions, env: &self.env, plans: &self.plans, mounts: &self.mounts, place: &self.place }
    }

    fn deploy(&self, before: Option<&AppState>, number: u32, others: Others) -> AppState {
        self.recipe().deploy(before, self.versions.number(number).unwrap(), others).unwrap()
    }
}

/// `(version, process, units, routable)`
fn shape(state: &AppState) -> Vec<(u32, &str, u32, bool)> {
    state.processes.iter().map(|p| (p.version, p.name.as_str(), p.units, p.routable)).collect()
}

fn only(process: Option<&str>, version: Option<u32>) -> Which {
    Which { process: process.map(str::to_owned), version }
}

#[test]
fn a_first_deploy_has_one_unit_of_each_process_and_the_main_one_is_routable() {
    let state = World::new().deploy(None, 1, Others::Replaced);
    assert_eq!(shape(&state), [(1, "web", 1, true), (1, "worker", 1, false)]);
    assert_eq!((state.app.as_str(), state.platform.as_str(), state.cnames.as_slice()), ("a", "python", &["a.org".to_owned()][..]));
}

#[test]
fn plans_of_processes_win_over_the_apps_plan_and_overrides_over_both() {
    let mut world = World::new();
    let state = world.deploy(None, 1, Others::Replaced);
    let sizes: Vec<_> = state.processes.iter().map(|p| (p.memory, p.cpu_milli)).collect();
    assert_eq!(sizes, [(64, 100), (1024, 500)]);
    world.app.plan.overridden = Some(crate::plan::PlanOverride { memory: Some(7), ..Default::default() });
    assert_eq!(world.deploy(None, 1, Others::Replaced).processes[0].memory, 7);
}

#[test]
fn the_number_of_units_outlives_a_deploy() {
    let world = World::new();
    let first = world.deploy(None, 1, Others::Replaced);
    let more = world.recipe().units(&first, &first.processes[1], 4);
    assert_eq!(shape(&world.deploy(Some(&more), 2, Others::Replaced)), [(2, "web", 1, true), (2, "worker", 4, false)]);
}

#[test]
fn a_deploy_starts_a_stopped_app_with_the_units_it_had() {
    let world = World::new();
    let first = world.deploy(None, 1, Others::Replaced);
    let three = world.recipe().units(&first, &first.processes[0], 3);
    let stopped = world.recipe().stop(&three, &Which::all()).unwrap();
    assert_eq!(total(&stopped), 0);
    assert_eq!(shape(&world.deploy(Some(&stopped), 2, Others::Replaced)), [(2, "web", 3, true), (2, "worker", 1, false)]);
}

#[test]
fn a_new_version_beside_others_gets_no_requests_at_first() {
    let world = World::new();
    let first = world.deploy(None, 1, Others::Kept);
    let both = world.deploy(Some(&first), 2, Others::Kept);
    assert_eq!(shape(&both), [(1, "web", 1, true), (1, "worker", 1, false), (2, "web", 1, false), (2, "worker", 1, false)]);
    let routed = world.recipe().routable(&both, 2, true).unwrap();
    assert_eq!(shape(&routed)[2], (2, "web", 1, true));
    let third = world.deploy(Some(&routed), 3, Others::Replaced);
    assert_eq!(shape(&third), [(3, "web", 2, true), (3, "worker", 2, false)]);
}

#[test]
fn a_version_that_replaces_all_others_gets_the_units_of_all_that_are_routable() {
    let world = World::new();
    let grown = |state: AppState, version: u32, name: &str, units: u32| {
        let one = state.processes.iter().find(|p| p.version == version && p.name == name).unwrap().clone();
        world.recipe().units(&state, &one, units)
    };
    let both = world.deploy(Some(&world.deploy(None, 1, Others::Replaced)), 2, Others::Kept);
    let both = grown(grown(grown(both, 1, "web", 3), 1, "worker", 2), 2, "web", 4);
    // The second gets no requests: its units do not count.
    assert_eq!(shape(&world.deploy(Some(&both), 3, Others::Replaced)), [(3, "web", 3, true), (3, "worker", 2, false)]);
    let routed = world.recipe().routable(&both, 2, true).unwrap();
    assert_eq!(shape(&world.deploy(Some(&routed), 3, Others::Replaced)), [(3, "web", 7, true), (3, "worker", 3, false)]);
    // Also one of them, when it is gone back to.
    assert_eq!(shape(&world.deploy(Some(&routed), 1, Others::Replaced)), [(1, "web", 7, true), (1, "worker", 3, false)]);
    let stopped = world.recipe().stop(&routed, &only(None, Some(1))).unwrap();
    assert_eq!(shape(&world.deploy(Some(&stopped), 3, Others::Replaced)), [(3, "web", 4, true), (3, "worker", 1, false)]);
    // Where none gets any, the newest counts.
    let unrouted = world.recipe().routable(&both, 1, false).unwrap();
    assert_eq!(shape(&world.deploy(Some(&unrouted), 3, Others::Replaced)), [(3, "web", 4, true), (3, "worker", 1, false)]);
}

#[test]
fn a_version_without_processes_is_refused() {
    let world = World::new();
    let empty = Version { version: 9, ..Version::default() };
    let refused = world.recipe().deploy(None, &empty, Others::Replaced).unwrap_err();
    assert_eq!(refused.to_string(), "no process information found deploying version 9");
}

#[test]
fn stop_and_start_bring_the_same_units_back_also_of_one_process() {
    let world = World::new();
    let first = world.deploy(None, 1, Others::Replaced);
    let before = world.recipe().units(&first, &first.processes[1], 3);
    let stopped = world.recipe().stop(&before, &only(Some("worker"), None)).unwrap();
    assert_eq!(shape(&stopped), [(1, "web", 1, true), (1, "worker", 0, false)]);
    let again = world.recipe().stop(&stopped, &Which::all()).unwrap();
    assert_eq!(shape(&world.recipe().start(&again, &Which::all()).unwrap()), [(1, "web", 1, true), (1, "worker", 3, false)]);
}

#[test]
fn a_restart_takes_todays_environment_and_leaves_what_is_stopped() {
    let mut world = World::new();
    let first = world.deploy(None, 1, Others::Replaced);
    let half = world.recipe().stop(&first, &only(Some("worker"), None)).unwrap();
    world.env.insert("NEW".into(), "1".into());
    let restarted = world.recipe().restart(&half, &Which::all(), false).unwrap();
    assert!(restarted.processes.iter().all(|p| p.restarted == 1 && p.env.contains_key("NEW")));
    assert_eq!(shape(&restarted), [(1, "web", 1, true), (1, "worker", 0, false)]);
    let all = world.recipe().restart(&half, &Which::all(), true).unwrap();
    assert_eq!(total(&all), 2);
    let again = world.recipe().restart(&all, &Which::all(), true).unwrap();
    assert!(again.processes.iter().all(|p| p.restarted == 2));
    let stopped = world.recipe().stop(&again, &Which::all()).unwrap();
    assert!(stopped.processes.iter().all(|p| p.restarted == 0));
}

#[test]
fn a_restart_passes_over_versions_that_are_stopped_unless_all_are_or_it_names_them() {
    let world = World::new();
    let both = world.deploy(Some(&world.deploy(None, 1, Others::Replaced)), 2, Others::Kept);
    let half = world.recipe().stop(&both, &only(None, Some(2))).unwrap();
    let restarted = |state: &AppState, which: &Which| {
        let state = world.recipe().restart(state, which, true).unwrap();
        state.processes.iter().map(|p| (p.version, p.units, p.restarted)).collect::<Vec<_>>()
    };
    assert_eq!(restarted(&half, &Which::all()), [(1, 1, 1), (1, 1, 1), (2, 0, 0), (2, 0, 0)]);
    assert_eq!(restarted(&half, &only(None, Some(2))), [(1, 1, 0), (1, 1, 0), (2, 1, 1), (2, 1, 1)]);
    let none = world.recipe().stop(&both, &Which::all()).unwrap();
    assert_eq!(restarted(&none, &Which::all()), [(1, 1, 1), (1, 1, 1), (2, 1, 1), (2, 1, 1)]);
}

#[test]
fn a_change_of_units_keeps_everything_else_as_it_runs() {
    let mut world = World::new();
    let first = world.deploy(None, 1, Others::Replaced);
    world.env.insert("NEW".into(), "1".into());
    let changed = world.recipe().units(&first, &first.processes[0], 5);
    assert!(!changed.processes[0].env.contains_key("NEW"));
    assert_eq!(changed.processes[0].units, 5);
}

#[test]
fn units_are_of_one_process_of_one_version() {
    let world = World::new();
    let first = world.deploy(None, 1, Others::Replaced);
    let both = world.deploy(Some(&first), 2, Others::Kept);
    let refusal = |state: &AppState, which: &Which| {
        one_version(state, which).and_then(|version| one_process(state, version, which).map(|_| ())).unwrap_err().to_string()
    };
    assert_eq!(refusal(&both, &Which::all()), "more than one version deployed, you must select one");
    assert_eq!(refusal(&first, &Which::all()), "no process name specified and more than one declared in Procfile");
    assert_eq!(refusal(&first, &only(Some("x"), None)), "no command declared in Procfile for process \"x\"");
    assert_eq!(refusal(&first, &only(None, Some(7))), "no deployment found for version 7");
    assert_eq!(one_process(&both, 2, &only(Some("web"), None)).unwrap().command, ["web 2"]);
}

#[test]
fn volumes_are_those_of_today_at_a_restart_and_a_deploy() {
    let mut world = World::new();
    let before = world.deploy(None, 1, Others::Replaced);
    world.mounts = vec![Mount { volume: "uploads".into(), path: "/uploads".into(), read_only: false }];
    let restarted = world.recipe().restart(&before, &Which::all(), false).unwrap();
    let deployed = world.deploy(Some(&before), 2, Others::Replaced);
    for process in restarted.processes.iter().chain(&deployed.processes) {
        assert_eq!(process.mounts, world.mounts, "{} {}", process.version, process.name);
    }
    world.mounts.clear();
    assert!(world.deploy(Some(&deployed), 3, Others::Replaced).processes.iter().all(|p| p.mounts.is_empty()));
}

#[test]
fn what_goes_on_as_a_cluster_runs_it_has_its_place_and_no_command() {
    let mut world = World::new();
    world.versions.versions.get_mut("1").unwrap().deploy_image = "r.io/a:v1".into();
    let seen = |name: &str| ProcessState { version: 1, name: name.into(), units: 2, ..ProcessState::default() };
    let before = AppState { processes: vec![seen("web"), seen("worker")], ..AppState::default() };
    let both = world.deploy(Some(&before), 2, Others::Kept);
    let of_first: Vec<_> = both.processes.iter().filter(|p| p.version == 1).collect();
    assert!(of_first.iter().all(|p| p.command.is_empty() && p.pod.image == "r.io/a:v1"));
    assert_eq!(of_first.iter().map(|p| p.pod.main).collect::<Vec<_>>(), [true, false]);
}
