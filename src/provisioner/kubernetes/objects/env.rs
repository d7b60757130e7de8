//! The environment of units: in this order, private values by way of a secret.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector},
};
use sha2::{Digest, Sha256};

use super::{Making, names, ports};
use crate::secret::Secret;

/// The address of this server; it has a place of its own in the order.
const HOST: &str = "TSURU_HOST";

/// A variable.
#[derive(Clone, Debug)]
pub struct Var {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
    /// Everybody may see it.
    pub public: bool,
}

/// All variables of a process: its own by name, then those that tsuru's server puts behind them.
pub fn vars(m: &Making<'_>) -> Vec<Var> {
    let public = &m.process.pod.public;
    let own = m.process.env.iter().filter(|(name, _)| *name != HOST);
    let own = own.map(|(name, value)| Var { name: name.clone(), value: value.clone(), public: public.contains(name) });
    let ports = ports::of(&m.process.pod, m.server.port);
    let usual = ports::is_default(&ports, m.server.port);
    let own = own.filter(|var| usual || !is_port(&var.name));
    own.chain(added(m, usual, &ports)).collect()
}

fn is_port(name: &str) -> bool {
    name == "port" || name == "PORT"
}

fn added(m: &Making<'_>, usual: bool, ports: &[crate::build::tsuru_yaml::Port]) -> Vec<Var> {
    let say = |name: &str, value: String| Var { name: name.into(), value: Secret::new(value), public: true };
    let mut vars = vec![
        say("TSURU_PROCESSNAME", m.process.name.clone()),
        say("TSURU_APPVERSION", m.process.version.to_string()),
        say(HOST, m.server.host.clone()),
    ];
    if usual {
        vars.extend(["port", "PORT"].map(|name| say(name, m.server.port.to_string())));
    }
    if !ports.is_empty() {
        let targets: Vec<String> = ports.iter().map(|port| port.target_port.to_string()).collect();
        vars.push(say(&format!("PORT_{}", m.process.name), targets.join(",")));
    }
    vars
}

/// As a container has them.
pub fn of_container(m: &Making<'_>) -> Vec<EnvVar> {
    container(&vars(m), &names::secret(&m.spot.name), m.pool.disable_secrets)
}

/// Variables with private values in a secret of this name, unless there are to be none.
pub fn container(vars: &[Var], secret: &str, inline: bool) -> Vec<EnvVar> {
    let env = |var: &Var| {
        if inline || var.public {
            // Kubernetes would replace `$(NAME)`.
            let value = Some(var.value.expose().replace('$', "$$"));
            return EnvVar { name: var.name.clone(), value, value_from: None };
        }
        let key = SecretKeySelector { key: var.name.clone(), name: secret.into(), optional: None };
        let from = EnvVarSource { secret_key_ref: Some(key), ..EnvVarSource::default() };
        EnvVar { name: var.name.clone(), value: None, value_from: Some(from) }
    };
    vars.iter().map(env).collect()
}

/// What the secret holds.
pub fn private(vars: &[Var]) -> BTreeMap<String, ByteString> {
    let private = vars.iter().filter(|var| !var.public);
    private.map(|var| (var.name.clone(), ByteString(var.value.expose().as_bytes().to_vec()))).collect()
}

/// A digest of what the secret holds: pods that carry it are replaced when a private value changes.
pub fn digest(private: &BTreeMap<String, ByteString>) -> String {
    let mut digest = Sha256::new();
    for (name, value) in private {
        digest.update(name.as_bytes());
        digest.update(b":");
        digest.update(&value.0);
        digest.update(b"\n");
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_of_sorted_lines() {
        let var = |name: &str, value: &str, public| Var { name: name.into(), value: value.into(), public };
        let private = private(&[var("TSURU_SERVICES", "{}", false), var("SECRET", "hush", false), var("SHOWN", "x", true)]);
        assert_eq!(digest(&private), "128ed240da43fa794938abf31a154832c313ee21b2d44bb6b2ece3db47c06409");
    }

    #[test]
    fn public_values_are_written_out_and_private_ones_referred_to() {
        let var = |name: &str, public| Var { name: name.into(), value: "a$b".into(), public };
        let vars = [var("A", true), var("B", false)];
        let found = container(&vars, "s", false);
        assert_eq!(found.iter().map(|env| env.value.as_deref()).collect::<Vec<_>>(), [Some("a$$b"), None]);
        assert_eq!(found[1].value_from.as_ref().unwrap().secret_key_ref.as_ref().unwrap().name, "s");
        assert!(container(&vars, "s", true).iter().all(|env| env.value.is_some()));
    }
}
