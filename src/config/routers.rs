//! `routers:NAME:*`: routers of the settings, as tsurud reads them.

use serde_json::{Map, Value};

use super::File;
use crate::error::{Error, Result};

/// The tsuru router HTTP API.
const API: &str = "api";
/// Objects that this server writes to clusters.
const INGRESS: &str = "ingress";

/// Apps with it would be reached otherwise than before, without a word.
const RESERVED: &str = "this is the name of this server's own router, which reaches apps on its machine: call it otherwise, here and in the \
    constraints of pools, and give the new one to the apps that have it";

/// A router of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct RouterSettings {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Apps without router get it.
    pub default: bool,
    /// Conditions that units wait for.
    pub readiness_gates: Vec<String>,
    /// `api-url`, `headers`, `debug`, `multi-cluster`; of the type `ingress`: docs/routers.md.
    pub config: Map<String, Value>,
}

/// All routers of a file.
pub fn read(file: &File) -> Result<Vec<RouterSettings>> {
    let Value::Object(routers) = file.tree("routers") else { return Ok(Vec::new()) };
    routers.into_iter().map(|(name, settings)| one(name, settings)).collect()
}

fn one(name: String, settings: Value) -> Result<RouterSettings> {
    let Value::Object(mut config) = settings else { return Err(Error::invalid(format!("routers:{name}: wanted a map"))) };
    let kind = match config.remove("type") {
        Some(Value::String(kind)) => kind,
        _ => return Err(Error::invalid(format!("config key 'routers:{name}:type' not found"))),
    };
    if name == "local" {
        return Err(Error::invalid(format!("routers:{name}: {RESERVED}")));
    }
    if ![API, INGRESS].contains(&kind.as_str()) {
        return Err(Error::invalid(format!("routers:{name}:type: unknown router: {kind:?}.")));
    }
    if kind == API && !config.get("api-url").is_some_and(Value::is_string) {
        return Err(Error::invalid(format!("routers:{name}:api-url: wanted an address")));
    }
    let default = config.remove("default") == Some(Value::Bool(true));
    let readiness_gates = match config.remove("readinessGates") {
        Some(Value::Array(gates)) => gates.into_iter().filter_map(|gate| gate.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    Ok(RouterSettings { name, kind, default, readiness_gates, config })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_are_read_and_wrong_ones_named() {
        let text = "routers:\n  edge:\n    type: api\n    default: true\n    api-url: http://r\n    headers:\n      X-A: b\n";
        let found = read(&File::parse(text).unwrap()).unwrap();
        assert!(found[0].default && found[0].config["headers"]["X-A"] == "b" && !found[0].config.contains_key("type"));
        let why = |text: &str| read(&File::parse(text).unwrap()).unwrap_err().to_string();
        assert_eq!(why("routers:\n  x:\n    api-url: y\n"), "config key 'routers:x:type' not found");
        assert_eq!(why("routers:\n  x:\n    type: galeb\n"), "routers:x:type: unknown router: \"galeb\".");
        assert_eq!(why("routers:\n  x:\n    type: api\n"), "routers:x:api-url: wanted an address");
        assert!(why("routers:\n  local:\n    type: api\n    api-url: http://r\n").starts_with("routers:local: this is the name of "));
    }
}
