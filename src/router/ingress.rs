//! Routers of the type `ingress`: this server writes the objects of the cluster that a controller there routes by. Their keys are in
//! docs/routers.md.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    provisioner::routes::{Edge, Gateway},
};

const KEYS: [&str; 10] =
    ["domain", "class", "http-port", "instance", "annotations-prefix", "annotations", "opts", "gateway", "gateway-class", "https-port"];
/// What each option of an app does.
const OPTS: [(&str, &str); 10] = [
    ("domain", "The whole host name of the app, in place of its name and the router's domain."),
    ("domain-prefix", "Stands before the app's name in its host name."),
    ("domain-suffix", "Follows the app's name in its host name where the router has no domain."),
    ("route", "The path that requests are taken from."),
    ("exposed-port", "The port of the app's service that requests go to, the first one unless said."),
    ("all-prefixes", "If true, each process and version has a host name too: web.process.APP, v2.version.APP."),
    ("tls-acme", "If true, the app's own host names are served with certificates that are made by themselves."),
    ("tls-acme-cname", "If true, so are its other host names."),
    ("http-only", "If true, its other host names are served without certificates."),
    ("class", "The class of ingress, in place of the router's."),
];

/// The router that a configuration describes.
pub fn read(config: &Map<String, Value>) -> Result<Edge> {
    if let Some(key) = config.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(wrong(key, &format!("is not known, routers of the type ingress have: {}", KEYS.join(", "))));
    }
    let edge = Edge {
        domain: text(config, "domain")?,
        class: text(config, "class")?,
        port: port(config, "http-port")?,
        instance: text(config, "instance")?,
        annotations_prefix: text(config, "annotations-prefix")?.trim_end_matches('/').to_owned(),
        annotations: texts(config, "annotations")?,
        opts: texts(config, "opts")?,
        gateway: gateway(config)?,
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !edge.instance.chars().all(plain) || edge.instance.starts_with('-') || edge.instance.ends_with('-') || edge.instance.len() > 32 {
        return Err(wrong("instance", "has more than small letters, digits and dashes, or more than 32 of them"));
    }
    if edge.domain.is_empty() && !edge.opts.contains_key("domain-suffix") {
        return Err(wrong("domain", "is missing: what the host names of apps end in"));
    }
    Ok(edge)
}

/// What its options do.
pub fn info(edge: &Edge) -> BTreeMap<String, String> {
    let help = |(name, help): &(&str, &str)| {
        let usual = edge.opts.get(*name).map(|value| format!(" Here {value:?} unless said.")).unwrap_or_default();
        ((*name).to_owned(), format!("{help}{usual}"))
    };
    OPTS.iter().map(help).collect()
}

fn wrong(key: &str, why: &str) -> Error {
    Error::refused(format!("config key {key:?} {why}"))
}

fn text(config: &Map<String, Value>, key: &str) -> Result<String> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.trim().to_owned()),
        Some(_) => Err(wrong(key, "is no text")),
    }
}

fn texts(config: &Map<String, Value>, key: &str) -> Result<BTreeMap<String, String>> {
    let entries = match config.get(key) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(wrong(key, "is no map of texts")),
    };
    let said = entries.iter().map(|(name, value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok((name.clone(), value.to_string())),
        _ => Err(wrong(&format!("{key}:{name}"), "is no text")),
    });
    said.collect()
}

fn port(config: &Map<String, Value>, key: &str) -> Result<Option<u16>> {
    let number = match config.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_u64().and_then(|number| u16::try_from(number).ok()),
    };
    number.filter(|port| *port > 0).map(Some).ok_or_else(|| wrong(key, "is no port"))
}

fn gateway(config: &Map<String, Value>) -> Result<Option<Gateway>> {
    let (whole, class, port) = (text(config, "gateway")?, text(config, "gateway-class")?, port(config, "https-port")?);
    match whole.split_once('/') {
        _ if whole.is_empty() && class.is_empty() && port.is_none() => Ok(None),
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            let (usual, class) = (Gateway::default(), Some(class).filter(|class| !class.is_empty()));
            Ok(Some(Gateway { namespace: namespace.into(), name: name.into(), class, port: port.unwrap_or(usual.port) }))
        }
        _ => Err(wrong("gateway", "is not NAMESPACE/NAME")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edge(config: Value) -> Result<Edge> {
        read(config.as_object().unwrap())
    }

    fn why(config: Value) -> String {
        edge(config).unwrap_err().to_string()
    }

    #[test]
    fn a_configuration_is_read_whole() {
        let whole = json!({"domain": "x.org", "class": "traefik", "http-port": "81", "instance": "inner", "annotations-prefix": "nginx/",
            "annotations": {"a/b": "c"}, "opts": {"tls-acme": true}, "gateway": "edge/g"});
        let edge = edge(whole).unwrap();
        assert_eq!((edge.domain.as_str(), edge.class.as_str(), edge.port, edge.instance.as_str()), ("x.org", "traefik", Some(81), "inner"));
        assert_eq!((edge.annotations_prefix.as_str(), edge.annotations["a/b"].as_str()), ("nginx", "c"));
        assert_eq!((edge.opts["tls-acme"].as_str(), edge.gateway.clone().unwrap().name.as_str()), ("true", "g"));
        let classed = json!({"domain": "x.org", "gateway": "edge/g", "gateway-class": "traefik", "https-port": "8443"});
        let gateway = read(classed.as_object().unwrap()).unwrap().gateway.unwrap();
        assert_eq!((gateway.class.as_deref(), gateway.port), (Some("traefik"), 8443));
        assert!(info(&edge)["tls-acme"].ends_with("Here \"true\" unless said."));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(why(json!({})), "config key \"domain\" is missing: what the host names of apps end in");
        assert!(why(json!({"domian": "x.org"})).starts_with("config key \"domian\" is not known"));
        assert_eq!(why(json!({"domain": 5})), "config key \"domain\" is no text");
        assert_eq!(why(json!({"domain": "x.org", "http-port": 0})), "config key \"http-port\" is no port");
        assert_eq!(why(json!({"domain": "x.org", "opts": {"a": []}})), "config key \"opts:a\" is no text");
        assert_eq!(why(json!({"domain": "x.org", "gateway": "g"})), "config key \"gateway\" is not NAMESPACE/NAME");
        assert_eq!(why(json!({"domain": "x.org", "gateway-class": "c"})), "config key \"gateway\" is not NAMESPACE/NAME");
        assert!(why(json!({"domain": "x.org", "instance": "A/b"})).starts_with("config key \"instance\" has more than"));
        assert!(edge(json!({"opts": {"domain-suffix": "x.org"}})).is_ok());
    }
}
