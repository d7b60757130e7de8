//! Plans of volumes: what a volume of a plan is made as, by each provisioner.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Database, File};
use crate::error::{Error, Result};

/// Plan name to provisioner to options.
pub type VolumePlans = BTreeMap<String, BTreeMap<String, Map<String, Value>>>;

/// Plans that work on the embedded server without a word of configuration: folders of this machine.
const EMBEDDED: [&str; 2] = ["local", "azurefile"];
const LOCAL: &str = "local";

/// The plans of a file, and on the embedded server its own ones.
pub fn read(file: &File, database: &Database) -> Result<VolumePlans> {
    let mut plans = VolumePlans::new();
    for (plan, provisioners) in entries("volume-plans", file.tree("volume-plans"))? {
        let mut own = BTreeMap::new();
        for (provisioner, options) in entries(&format!("volume-plans:{plan}"), provisioners)? {
            let options = entries(&format!("volume-plans:{plan}:{provisioner}"), options)?;
            own.insert(provisioner, options);
        }
        plans.insert(plan, own);
    }
    if *database == Database::Embedded {
        EMBEDDED.iter().for_each(|plan| {
            plans.entry((*plan).into()).or_default().entry(LOCAL.into()).or_default();
        });
    }
    Ok(plans)
}

fn entries(key: &str, value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(Error::invalid(format!("{key}: wanted a map"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANS: &str = "volume-plans:\n  nfs:\n    kubernetes:\n      storage-class: nfs\n      capacity: 1\n  bare:\n    local: {}\n";

    #[test]
    fn plans_are_read_by_provisioner() {
        let mongo = Database::Mongo { url: String::new(), name: String::new() };
        let plans = read(&File::parse(PLANS).unwrap(), &mongo).unwrap();
        assert_eq!(Value::Object(plans["nfs"]["kubernetes"].clone()), serde_json::json!({"capacity": 1, "storage-class": "nfs"}));
        assert!(plans["bare"]["local"].is_empty());
        assert_eq!(plans.len(), 2);
    }

    #[test]
    fn the_embedded_server_has_folders_of_its_own() {
        let plans = read(&File::default(), &Database::Embedded).unwrap();
        assert_eq!(plans.keys().collect::<Vec<_>>(), ["azurefile", "local"]);
    }

    #[test]
    fn a_plan_that_is_no_map_is_named() {
        let file = File::parse("volume-plans:\n  nfs: 3\n").unwrap();
        assert_eq!(read(&file, &Database::Embedded).unwrap_err().to_string(), "volume-plans:nfs: wanted a map");
    }
}
