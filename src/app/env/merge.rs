//! From what is stored to what a unit sees.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{APP_DIR, APP_DIR_VAR, APP_NAME, SERVICES};
use crate::{
    app::{App, EnvVar, ServiceEnvVar},
    secret::Secret,
};

/// Who manages the server's own variables.
const TSURU: &str = "tsuru";

/// The environment of an app's units, apart from what depends on the process and its version. `host` is the server's own name.
pub fn all(app: &App, host: &str) -> BTreeMap<String, Secret> {
    let mut env: BTreeMap<_, _> = merged(app).into_iter().map(|(name, var)| (name, var.value)).collect();
    env.insert("TSURU_HOST".into(), host.into());
    env
}

/// Every variable with what clients show of it: own ones, those of services over them, the server's over all.
pub fn merged(app: &App) -> BTreeMap<String, EnvVar> {
    let mut vars = with_services(&app.env, &app.service_envs);
    for var in [own(APP_NAME, app.name.as_str(), true), own(APP_DIR_VAR, APP_DIR, true)] {
        vars.insert(var.name.clone(), var);
    }
    vars
}

/// Variables of an app or a job and those of its services, aliases resolved, with `TSURU_SERVICES`.
pub fn with_services(vars: &BTreeMap<String, EnvVar>, services: &[ServiceEnvVar]) -> BTreeMap<String, EnvVar> {
    let mut all = vars.clone();
    for bound in services {
        let managed_by = format!("{}/{}", bound.service, bound.instance);
        all.insert(bound.var.name.clone(), EnvVar { managed_by, ..bound.var.clone() });
    }
    resolve(vars, &mut all);
    all.insert(SERVICES.into(), own(SERVICES, credentials(services), false));
    all
}

fn own(name: &str, value: impl Into<Secret>, public: bool) -> EnvVar {
    EnvVar { name: name.into(), value: value.into(), alias: String::new(), public, managed_by: TSURU.into() }
}

/// Gives each alias the value of the variable it leads to. Aliases that lead in a circle, or nowhere, keep their own.
fn resolve(vars: &BTreeMap<String, EnvVar>, all: &mut BTreeMap<String, EnvVar>) {
    let mut open: BTreeMap<&str, &str> =
        vars.values().filter(|var| !var.alias.is_empty()).map(|var| (var.name.as_str(), var.alias.as_str())).collect();
    while let Some((name, mut target)) = open.pop_first() {
        let mut passed = BTreeSet::new();
        while let Some(next) = open.get(target)
            && passed.insert(target)
        {
            target = next;
        }
        let value = all.get(target).map(|var| var.value.clone());
        if let (Some(value), Some(var)) = (value, all.get_mut(name)) {
            var.value = value;
        }
    }
}

#[derive(Serialize)]
struct Instance<'a> {
    instance_name: &'a str,
    envs: BTreeMap<&'a str, &'a str>,
}

/// `{"service": [{"instance_name": "i", "envs": {"K": "v"}}]}`
fn credentials(services: &[ServiceEnvVar]) -> String {
    let mut by_service: BTreeMap<&str, Vec<Instance<'_>>> = BTreeMap::new();
    for bound in services {
        let instances = by_service.entry(&bound.service).or_default();
        let (name, value) = (bound.var.name.as_str(), bound.var.value.expose());
        match instances.iter_mut().find(|instance| instance.instance_name == bound.instance) {
            Some(instance) => {
                instance.envs.insert(name, value);
            }
            None => instances.push(Instance { instance_name: &bound.instance, envs: BTreeMap::from([(name, value)]) }),
        }
    }
    serde_json::to_string(&by_service).unwrap_or_else(|_| "{}".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(all: &[(&str, &str, &str)]) -> BTreeMap<String, EnvVar> {
        let var = |(name, value, alias): &(&str, &str, &str)| EnvVar {
            name: (*name).into(),
            value: (*value).into(),
            alias: (*alias).into(),
            ..EnvVar::default()
        };
        all.iter().map(|entry| (entry.0.to_owned(), var(entry))).collect()
    }

    fn bound(service: &str, instance: &str, name: &str, value: &str) -> ServiceEnvVar {
        let var = EnvVar { name: name.into(), value: value.into(), ..EnvVar::default() };
        ServiceEnvVar { var, service: service.into(), instance: instance.into() }
    }

    fn value<'a>(all: &'a BTreeMap<String, EnvVar>, name: &str) -> &'a str {
        all[name].value.expose()
    }

    #[test]
    fn an_alias_has_the_value_at_the_end_of_its_chain() {
        let own = vars(&[("A", "", "B"), ("B", "", "C"), ("C", "1", ""), ("DB", "", "HOST")]);
        let all = with_services(&own, &[bound("mysql", "todo", "HOST", "h")]);
        assert_eq!([value(&all, "A"), value(&all, "B"), value(&all, "DB")], ["1", "1", "h"]);
    }

    #[test]
    fn aliases_in_a_circle_or_to_nothing_keep_their_values_and_end() {
        let own = vars(&[("A", "a", "B"), ("B", "b", "C"), ("C", "c", "B"), ("SELF", "s", "SELF"), ("X", "x", "NONE")]);
        let all = with_services(&own, &[]);
        assert_eq!([value(&all, "SELF"), value(&all, "X")], ["s", "x"]);
    }

    #[test]
    fn services_win_over_own_variables_and_say_who_manages_them() {
        let all = with_services(&vars(&[("HOST", "mine", "")]), &[bound("mysql", "todo", "HOST", "h")]);
        assert_eq!((value(&all, "HOST"), all["HOST"].managed_by.as_str()), ("h", "mysql/todo"));
    }

    #[test]
    fn credentials_are_listed_by_service_and_instance() {
        let services = [bound("mysql", "a", "H", "1"), bound("mysql", "b", "H", "2"), bound("mysql", "a", "P", "3")];
        let json = r#"{"mysql":[{"instance_name":"a","envs":{"H":"1","P":"3"}},{"instance_name":"b","envs":{"H":"2"}}]}"#;
        assert_eq!(value(&with_services(&BTreeMap::new(), &services), SERVICES), json);
        assert_eq!(value(&with_services(&BTreeMap::new(), &[]), SERVICES), "{}");
    }
}
