//! What a cluster wants to know of an app and its processes.

use std::collections::BTreeMap;

use crate::{
    app::{App, env, version::Version},
    build::processes::main_process,
    plan::Plan,
    pool::Pool,
    provisioner::{AppPlace, PodPlace, PoolPlace, VolumePlace},
};

/// The label of a pool that says which nodes its units want.
const AFFINITY: &str = "affinity";

/// Of an app. `volumes` are those bound to it, `gates` those that its routers want.
pub fn of_app(app: &App, pool: &Pool, volumes: Vec<VolumePlace>, gates: Vec<String>) -> AppPlace {
    AppPlace {
        team: app.team_owner.clone(),
        pool: PoolPlace { name: pool.name.clone(), affinity: pool.labels.get(AFFINITY).cloned() },
        tags: app.tags.clone(),
        annotations: app.metadata.annotations(),
        volumes,
        readiness_gates: gates,
    }
}

/// Of a process of a version with its plan.
pub fn of_process(app: &App, version: &Version, process: &str, plan: &Plan) -> PodPlace {
    let own = app.processes.iter().find(|p| p.name == process).map(|p| &p.metadata);
    let with_own = |mut all: BTreeMap<String, String>, own: Option<BTreeMap<String, String>>| {
        all.extend(own.unwrap_or_default());
        all
    };
    PodPlace {
        image: version.deploy_image.clone(),
        ports: version.config.ports(process).cloned(),
        exposed: version.exposed_ports.clone(),
        groups: version.config.kubernetes.clone(),
        public: env::merged(app).into_values().filter(|var| var.public).map(|var| var.name).collect(),
        labels: with_own(app.metadata.labels(), own.map(|own| own.labels())),
        annotations: with_own(app.metadata.annotations(), own.map(|own| own.annotations())),
        cpu_burst: plan.burst(),
        runtime_class: plan.runtime().to_owned(),
        main: main_process(version.processes.keys().map(String::as_str)) == Some(process),
    }
}
