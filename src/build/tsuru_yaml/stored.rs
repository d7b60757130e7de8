//! `customdata` of a stored version: the file with its Kubernetes groups as lists, as tsuru's server keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Healthcheck, Hooks, Kubernetes, Port, Process, ProcessPorts, Startupcheck, TsuruYaml};
use crate::lenient::Lenient;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct CustomData {
    hooks: Option<Hooks>,
    healthcheck: Option<Healthcheck>,
    startupcheck: Option<Startupcheck>,
    processes: Vec<Process>,
    kubernetes: Option<Groups>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Group {
    name: String,
    processes: Vec<GroupProcess>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct GroupProcess {
    name: String,
    ports: Option<Vec<Port>>,
}

/// What is stored as `customdata`; every key is there, also when it says nothing.
pub fn to_custom_data(config: &TsuruYaml) -> impl Serialize + use<> {
    let config = config.clone();
    CustomData {
        hooks: config.hooks,
        healthcheck: config.healthcheck,
        startupcheck: config.startupcheck,
        processes: config.processes,
        kubernetes: config.kubernetes.map(to_lists),
    }
}

/// Reads `customdata` back, from a BSON or JSON value; names match in any case, keys of older servers are ignored.
pub fn from_custom_data<'de, D: Deserializer<'de>>(stored: D) -> Result<TsuruYaml, D::Error> {
    let data = CustomData::deserialize(Lenient(stored))?;
    Ok(TsuruYaml {
        hooks: data.hooks,
        healthcheck: data.healthcheck,
        startupcheck: data.startupcheck,
        processes: data.processes,
        kubernetes: data.kubernetes.map(from_lists),
    })
}

fn to_lists(kubernetes: Kubernetes) -> Groups {
    let process = |(name, found): (String, ProcessPorts)| GroupProcess { name, ports: found.ports };
    let group = |(name, processes): (String, BTreeMap<String, ProcessPorts>)| Group {
        name,
        processes: processes.into_iter().map(process).collect(),
    };
    Groups { groups: kubernetes.groups.into_iter().map(group).collect() }
}

fn from_lists(stored: Groups) -> Kubernetes {
    let process = |found: GroupProcess| (found.name, ProcessPorts { ports: found.ports });
    let group = |found: Group| (found.name, found.processes.into_iter().map(process).collect());
    Kubernetes { groups: stored.groups.into_iter().map(group).collect() }
}

#[cfg(test)]
mod tests {
    use bson::bson;

    use super::*;
    use crate::build::tsuru_yaml::parse;

    fn stored(config: &TsuruYaml) -> bson::Bson {
        bson::serialize_to_bson(&to_custom_data(config)).unwrap()
    }

    fn read(stored: bson::Bson) -> TsuruYaml {
        from_custom_data(bson::Deserializer::new(stored)).unwrap()
    }

    #[test]
    fn groups_are_lists_in_the_document() {
        let text =
            "kubernetes: {groups: {g: {web: {ports: [{port: 80, target_port: 8888}]}}}}\nhealthcheck: {path: /h, timeout_seconds: 5}";
        let config = parse(text).unwrap();
        let document = stored(&config);
        let groups = document.as_document().unwrap().get_document("kubernetes").unwrap().get_array("groups").unwrap();
        let group = groups[0].as_document().unwrap();
        assert_eq!(group.get_str("name").unwrap(), "g");
        let process = group.get_array("processes").unwrap()[0].as_document().unwrap();
        assert_eq!(process.get_str("name").unwrap(), "web");
        assert_eq!(read(document), config);
    }

    #[test]
    fn what_is_not_said_is_null() {
        let document = stored(&TsuruYaml::default());
        assert_eq!(document, bson!({"hooks": null, "healthcheck": null, "startupcheck": null, "processes": [], "kubernetes": null}));
        assert_eq!(read(document), TsuruYaml::default());
    }

    #[test]
    fn documents_of_other_servers_are_read() {
        let old = bson!({
            "Hooks": {"Restart": {"Before": ["a"], "after": null}, "build": null},
            "healthcheck": {"path": "/", "scheme": "http", "allowed_failures": 2i64, "use_in_router": true},
            "processes": null,
            "procfile": "web: x",
        });
        let found = read(old);
        assert_eq!(found.hooks.unwrap().restart.before, ["a"]);
        assert_eq!(found.healthcheck.unwrap().allowed_failures, 2);
        assert!(found.processes.is_empty());
        assert_eq!(read(bson::Bson::Null), TsuruYaml::default());
    }
}
