//! How a cluster sees whether a unit is ready, alive and started, from the checks of `tsuru.yaml`; and back.

use k8s_openapi::{
    api::core::v1::{ExecAction, HTTPGetAction, HTTPHeader, Probe},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::some;
use crate::{
    build::tsuru_yaml::{Healthcheck, Startupcheck},
    provisioner::ProcessState,
};

/// The three probes of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probes {
    /// Ready for requests.
    pub readiness: Option<Probe>,
    /// Alive: started again when it fails.
    pub liveness: Option<Probe>,
    /// Started: the others wait for it.
    pub startup: Option<Probe>,
}

/// Of a process that serves this port first; none of one that serves nothing.
pub fn of(process: &ProcessState, port: Option<u32>) -> Probes {
    let Some(port) = port.and_then(|port| i32::try_from(port).ok()) else { return Probes::default() };
    let said = |check: Healthcheck| Some(check.with_defaults()).filter(|check| !check.is_empty());
    let health = process.healthcheck.clone().and_then(said);
    let startup = process.startupcheck.as_ref().map(Startupcheck::as_health).and_then(said);
    let readiness = health.as_ref().map(|check| probe(check, port));
    Probes {
        liveness: readiness.clone().filter(|_| health.is_some_and(|check| check.force_restart)),
        readiness,
        startup: startup.map(|check| probe(&check, port)),
    }
}

fn probe(check: &Healthcheck, port: i32) -> Probe {
    let number = |value: u32| i32::try_from(value).ok();
    let timing = Probe {
        failure_threshold: number(check.allowed_failures),
        period_seconds: number(check.interval_seconds),
        timeout_seconds: number(check.timeout_seconds),
        ..Probe::default()
    };
    if check.path.is_empty() {
        return Probe { exec: Some(ExecAction { command: Some(check.command.clone()) }), ..timing };
    }
    let headers = check.headers.iter().map(|(name, value)| HTTPHeader { name: name.clone(), value: value.clone() });
    let get = HTTPGetAction {
        path: Some(check.path.clone()),
        port: IntOrString::Int(port),
        scheme: Some(check.scheme.to_uppercase()),
        http_headers: some(headers.collect::<Vec<_>>()),
        host: None,
    };
    Probe { http_get: Some(get), ..timing }
}

/// The check that a probe was made from.
pub fn read(probe: &Probe) -> Healthcheck {
    let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or_default();
    let mut check = Healthcheck {
        scheme: "http".into(),
        allowed_failures: number(probe.failure_threshold),
        interval_seconds: number(probe.period_seconds),
        timeout_seconds: number(probe.timeout_seconds),
        ..Healthcheck::default()
    };
    if let Some(get) = &probe.http_get {
        check.path = get.path.clone().unwrap_or_default();
        check.scheme = get.scheme.as_deref().unwrap_or("http").to_lowercase();
        check.headers = get.http_headers.iter().flatten().map(|header| (header.name.clone(), header.value.clone())).collect();
    } else if let Some(exec) = &probe.exec {
        check.command = exec.command.clone().unwrap_or_default();
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(health: Healthcheck) -> ProcessState {
        ProcessState { healthcheck: Some(health), ..ProcessState::default() }
    }

    #[test]
    fn a_health_check_is_the_readiness_and_with_force_the_liveness() {
        let check = Healthcheck {
            path: "up".into(),
            headers: [("B".into(), "2".into()), ("A".into(), "1".into())].into(),
            ..Healthcheck::default()
        };
        let found = of(&process(check.clone()), Some(80));
        let get = found.readiness.as_ref().unwrap().http_get.as_ref().unwrap();
        assert_eq!((get.path.as_deref(), get.scheme.as_deref(), &get.port), (Some("/up"), Some("HTTP"), &IntOrString::Int(80)));
        assert_eq!(get.http_headers.as_ref().unwrap().iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(found.liveness, None);
        let forced = of(&process(Healthcheck { force_restart: true, ..check.clone() }), Some(80));
        assert_eq!(forced.liveness, forced.readiness);
        assert_eq!(of(&process(check), None), Probes::default());
    }

    #[test]
    fn a_command_is_run_and_read_back() {
        let check = Healthcheck { command: vec!["sh".into()], ..Healthcheck::default() };
        let probe = of(&process(check), Some(80)).readiness.unwrap();
        assert_eq!(probe.exec.as_ref().unwrap().command, Some(vec!["sh".into()]));
        assert_eq!(read(&probe).command, ["sh"]);
        assert_eq!((read(&probe).allowed_failures, read(&probe).interval_seconds, read(&probe).timeout_seconds), (3, 10, 60));
    }

    #[test]
    fn a_startup_check_is_the_startup_probe() {
        let startup = Startupcheck { path: "/s".into(), scheme: "https".into(), interval_seconds: 3, ..Startupcheck::default() };
        let found = of(&ProcessState { startupcheck: Some(startup), ..ProcessState::default() }, Some(80)).startup.unwrap();
        assert_eq!((read(&found).path.as_str(), read(&found).scheme.as_str(), found.period_seconds), ("/s", "https", Some(3)));
    }
}
