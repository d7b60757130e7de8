//! What may be in a cluster's custom data. It is looked at when somebody enters it: later, where it is read, much that is wrong counts for
//! nothing, as with tsuru's server, so that clusters which that one made go on.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{cluster::topology, read};
use crate::{
    build::agent::address::Address,
    provisioner::kubernetes::objects::{labels, quantity},
    secret::Secret,
};

/// Says what is wrong with a value, without the value where it may be a secret.
type Check = fn(&str) -> Result<(), String>;

/// A pool's name and a colon may stand before these; a namespace's before `namespace-labels`.
const OF_POOLS: [(&str, Check); 18] = [
    ("overcommit-factor", factor),
    ("cpu-overcommit-factor", factor),
    ("memory-overcommit-factor", factor),
    ("cpu-burst-factor", factor),
    ("disable-headless", truth),
    ("max-surge", share),
    ("max-unavailable", share),
    ("disable-secrets", truth),
    ("ephemeral-storage", amount),
    ("pre-stop-sleep", seconds),
    ("disable-pdb", truth),
    ("dns-config-ndots", dots),
    ("topology-spread-constraints", constraints),
    ("build-service-address", service),
    ("build-service-tls", truth),
    ("build-service-tls-skip-verify", truth),
    ("tenant-isolation", truth),
    ("namespace-labels", pairs),
];

/// These are of the whole cluster.
const OF_ALL: [(&str, Check); 16] = [
    ("namespace", namespace),
    ("token", anything),
    ("username", anything),
    ("password", anything),
    ("single-pool", truth),
    ("disable-default-node-selector", truth),
    ("base-services-annotations", annotations),
    ("all-services-annotations", annotations),
    ("registry", registry),
    ("registry-insecure", truth),
    ("disable-platform-build", truth),
    ("enable-versioned-services", truth),
    ("docker-config-json", object),
    ("job-event-creation", truth),
    ("debug-container-image", anything),
    ("propagate-kubeconfig", truth),
];

/// What is wrong in it, but for what was there `before`.
pub fn faults(custom: &BTreeMap<String, Secret>, before: &BTreeMap<String, Secret>) -> Vec<String> {
    let entered = custom.iter().filter(|(key, value)| before.get(*key) != Some(value));
    entered.filter_map(|(key, value)| fault(key, value.expose())).map(|why| format!("custom data {why}")).collect()
}

/// The same of a value that every cluster has by default; false: nobody reads such a key.
pub fn check_default(key: &str, value: &str) -> Result<bool, String> {
    let Some((_, check)) = OF_POOLS.iter().chain(&OF_ALL).find(|(known, _)| *known == key) else { return Ok(false) };
    // Nothing is as if it was not said.
    if value.is_empty() { Ok(true) } else { check(value).map(|()| true) }
}

fn fault(key: &str, value: &str) -> Option<String> {
    let (context, name) = key.rsplit_once(':').unwrap_or(("", key));
    let found = |all: &[(&str, Check)]| all.iter().find(|(known, _)| *known == name).map(|(_, check)| *check);
    let check = match (found(&OF_POOLS), found(&OF_ALL)) {
        (Some(check), _) => check,
        (None, Some(check)) if context.is_empty() => check,
        (None, Some(_)) => return Some(format!("{key:?}: {name:?} is of the whole cluster and not of {context:?} alone")),
        (None, None) => return Some(format!("{key:?} is not known")),
    };
    // Nothing is as if it was not said.
    if value.is_empty() { None } else { check(value).err().map(|why| format!("{key:?}: {why}")) }
}

fn unless(right: bool, why: &str) -> Result<(), String> {
    if right { Ok(()) } else { Err(why.into()) }
}

fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

fn truth(text: &str) -> Result<(), String> {
    read::truth(text).map(drop)
}

fn factor(text: &str) -> Result<(), String> {
    let factor = read::number(text)?;
    unless(factor.is_finite() && factor >= 0.0, "a factor is not below 0")
}

fn share(text: &str) -> Result<(), String> {
    read::share(text).map(drop)
}

fn amount(text: &str) -> Result<(), String> {
    unless(quantity::parse(text).is_some_and(|amount| amount >= 0.0), "an amount is wanted, for example 100Mi")
}

fn seconds(text: &str) -> Result<(), String> {
    unless(text.parse::<u32>().is_ok_and(|seconds| seconds <= 3600), "seconds are wanted, 0 to 3600")
}

fn dots(text: &str) -> Result<(), String> {
    unless(text.parse::<u32>().is_ok_and(|dots| dots <= 15), "a number from 0 to 15 is wanted")
}

fn constraints(text: &str) -> Result<(), String> {
    topology(text).map(drop).map_err(|e| e.to_string())
}

fn service(text: &str) -> Result<(), String> {
    text.parse::<Address>().map(drop)
}

fn pairs(text: &str) -> Result<(), String> {
    let pair = |pair: &str| pair.split_once('=').is_some_and(|(key, value)| labels::is_key(key.trim()) && labels::is_value(value.trim()));
    unless(text.split(',').all(pair), "labels are wanted as a=b,c=d")
}

fn namespace(text: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let right = text.len() <= 63 && text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-');
    unless(right, "a namespace has at most 63 lower case letters, digits and dashes, and neither begins nor ends with a dash")
}

fn annotations(text: &str) -> Result<(), String> {
    unless(serde_saphyr::from_str::<BTreeMap<String, String>>(text).is_ok(), "a YAML map of texts is wanted")
}

fn registry(text: &str) -> Result<(), String> {
    let right = !text.contains("://") && !text.contains(char::is_whitespace);
    unless(right, "a registry is a host with a folder, for example registry.example.com/prod")
}

fn object(text: &str) -> Result<(), String> {
    unless(serde_json::from_str::<Map<String, Value>>(text).is_ok(), "a JSON object is wanted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(custom: &[(&str, &str)]) -> Vec<String> {
        let custom = custom.iter().map(|(key, value)| ((*key).to_owned(), Secret::from(*value))).collect();
        faults(&custom, &BTreeMap::new())
    }

    #[test]
    fn what_fits_is_taken_for_all_pools_or_for_one() {
        let fitting = [
            ("overcommit-factor", "2.5"),
            ("dev:cpu-burst-factor", "1"),
            ("max-surge", "25%"),
            (":max-unavailable", "1"),
            ("ephemeral-storage", "0"),
            ("dev:topology-spread-constraints", r#"[{"maxSkew": 1, "topologyKey": "zone"}]"#),
            ("build-service-address", "dns:///agent:80"),
            ("tsuru-dev:namespace-labels", "a=b, example.com/c = d"),
            ("namespace", "apps"),
            ("base-services-annotations", "a: b"),
            ("registry", "r.io:5000/apps"),
            ("docker-config-json", r#"{"auths": {}}"#),
            ("token", "any text: at all"),
            ("single-pool", ""),
        ];
        assert_eq!(told(&fitting), Vec::<String>::new());
    }

    #[test]
    fn every_key_refuses_what_it_cannot_mean_and_is_named() {
        let wrong = "\0 is nothing: [";
        for (key, _) in
            OF_POOLS.iter().chain(&OF_ALL).filter(|(key, _)| !["token", "username", "password", "debug-container-image"].contains(key))
        {
            let found = told(&[(key, wrong)]);
            assert!(found.len() == 1 && found[0].starts_with(&format!("custom data {key:?}: ")), "{key}: {found:?}");
        }
        for (key, value) in [
            ("pre-stop-sleep", "-1"),
            ("overcommit-factor", "inf"),
            ("dns-config-ndots", "16"),
            ("namespace", "-a"),
            ("registry", "https://r.io"),
            ("docker-config-json", "[]"),
            ("ephemeral-storage", "-1Mi"),
            ("namespace-labels", "a=b=c"),
        ] {
            assert_eq!(told(&[(key, value)]).len(), 1, "{key}");
        }
    }

    #[test]
    fn keys_that_nobody_reads_are_refused_by_name_and_secrets_are_not_told() {
        assert_eq!(told(&[("disable-pdbs", "true")]), ["custom data \"disable-pdbs\" is not known"]);
        assert_eq!(
            told(&[("dev:token", "hush")]),
            ["custom data \"dev:token\": \"token\" is of the whole cluster and not of \"dev\" alone"]
        );
        assert!(!told(&[("docker-config-json", "hush")]).concat().contains("hush"));
    }

    #[test]
    fn what_was_there_before_may_stay() {
        let all: BTreeMap<String, Secret> = [("old-key".to_owned(), Secret::from("x"))].into();
        assert_eq!(faults(&all, &all), Vec::<String>::new());
        let changed = [("old-key".to_owned(), Secret::from("y"))].into();
        assert_eq!(faults(&changed, &all), ["custom data \"old-key\" is not known"]);
    }
}
