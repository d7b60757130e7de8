//! Deployments: one for each process of each version.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Container, ContainerPort, ExecAction, Lifecycle, LifecycleHandler, PodDNSConfig, PodDNSConfigOption, PodReadinessGate,
            PodSecurityContext, PodSpec, PodTemplateSpec,
        },
    },
    apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta},
};

use super::{
    Making, env, isolation,
    labels::{self, Labels},
    meta, names, node, ports, probe, pull_secret,
    resources::{self, Size},
    some, volume,
};
use crate::error::{Error, Result};

/// The digest of a deployment's secret.
pub const SECRET_DIGEST: &str = "tsuru.io/secret-sha256";
/// Where an app's code is.
const ENTER: &str = "[ -d /home/application/current ] && cd /home/application/current; ";
/// Revisions that are kept.
const HISTORY: i32 = 10;
/// Seconds to end in, beside the pause before.
const GRACE: i64 = 30;

/// The deployment of a process of a version.
pub fn of(m: &Making<'_>) -> Result<Deployment> {
    let annotations = annotations(m);
    let mut metadata = meta(&m.spot.name, &m.spot.namespace, labels::deployment(m));
    metadata.annotations = Some(annotations.clone());
    let pods = ObjectMeta { labels: Some(labels::pod(m)), annotations: Some(annotations), ..ObjectMeta::default() };
    let rolling =
        RollingUpdateDeployment { max_surge: Some(m.pool.max_surge.clone()), max_unavailable: Some(m.pool.max_unavailable.clone()) };
    let spec = DeploymentSpec {
        replicas: Some(i32::try_from(m.process.units).unwrap_or(i32::MAX)),
        revision_history_limit: Some(HISTORY),
        selector: LabelSelector { match_labels: Some(labels::selector(m)), match_expressions: None },
        strategy: Some(DeploymentStrategy { type_: Some("RollingUpdate".into()), rolling_update: Some(rolling) }),
        template: PodTemplateSpec { metadata: Some(pods), spec: Some(pod(m)?) },
        ..DeploymentSpec::default()
    };
    Ok(Deployment { metadata, spec: Some(spec), status: None })
}

fn annotations(m: &Making<'_>) -> Labels {
    let mut all = isolation::annotations(&m.process.pod.annotations, m.pool);
    all.insert(SECRET_DIGEST.into(), env::digest(&env::private(&env::vars(m))));
    all
}

fn pod(m: &Making<'_>) -> Result<PodSpec> {
    let nodes = node::of(m)?;
    let gates = if m.process.pod.main { m.app.place.readiness_gates.as_slice() } else { &[] };
    let gates = gates.iter().map(|gate| PodReadinessGate { condition_type: gate.clone() }).collect::<Vec<_>>();
    let spec = PodSpec {
        runtime_class_name: Some(m.process.pod.runtime_class.clone()).filter(|name| !name.is_empty()),
        topology_spread_constraints: node::spread(m),
        termination_grace_period_seconds: Some(GRACE + m.pool.pre_stop_sleep),
        enable_service_links: Some(false),
        image_pull_secrets: pull_secret::references(m, &m.process.pod.image),
        service_account_name: Some(names::account(&m.app.app)),
        security_context: Some(PodSecurityContext { run_as_user: m.server.uid, ..PodSecurityContext::default() }),
        restart_policy: Some("Always".into()),
        node_selector: nodes.selector,
        affinity: nodes.affinity,
        volumes: some(volume::of_pod(m)?),
        subdomain: Some(names::headless(&m.app.app, &m.process.name)),
        readiness_gates: some(gates),
        dns_config: dns(m),
        containers: vec![container(m)?],
        ..PodSpec::default()
    };
    Ok(isolation::harden(spec, m.pool))
}

fn dns(m: &Making<'_>) -> Option<PodDNSConfig> {
    let option = PodDNSConfigOption { name: Some("ndots".into()), value: Some(m.pool.ndots?.to_string()) };
    Some(PodDNSConfig { options: Some(vec![option]), ..PodDNSConfig::default() })
}

fn container(m: &Making<'_>) -> Result<Container> {
    let ports = ports::of(&m.process.pod, m.server.port);
    let probes = probe::of(m.process, ports.first().map(|port| port.target_port));
    let number = |port: u32| i32::try_from(port).unwrap_or_default();
    let open = ports.iter().map(|port| ContainerPort { container_port: number(port.target_port), ..ContainerPort::default() });
    let size = Size { memory: m.process.memory, cpu_milli: m.process.cpu_milli.into(), burst: m.process.pod.cpu_burst };
    Ok(Container {
        name: m.spot.name.clone(),
        image: Some(m.process.pod.image.clone()),
        command: Some(command(m)?),
        env: Some(env::of_container(m)),
        readiness_probe: probes.readiness,
        liveness_probe: probes.liveness,
        startup_probe: probes.startup,
        resources: Some(resources::of(size, &m.pool.factors, &m.pool.ephemeral_storage)),
        volume_mounts: some(volume::mounts(m)),
        ports: some(open.collect::<Vec<_>>()),
        lifecycle: Some(lifecycle(m)),
        ..Container::default()
    })
}

/// In the app's folder, after the hooks, in place of the shell.
fn command(m: &Making<'_>) -> Result<Vec<String>> {
    let hooks: String = m.process.before.iter().map(|hook| format!("{hook} && ")).collect();
    let shell = |script: String| vec!["/bin/sh".into(), "-lc".into(), script];
    match m.process.command.as_slice() {
        [] => Err(Error::refused(format!("no command declared in Procfile for process {:?}", m.process.name))),
        [line] => Ok(shell(format!("{ENTER}{hooks}exec {line}"))),
        several => Ok([shell(format!("{ENTER}{hooks}exec $0 \"$@\"")), several.to_vec()].concat()),
    }
}

/// A pause before the end, so that requests stop coming first; and the hooks that follow the start.
fn lifecycle(m: &Making<'_>) -> Lifecycle {
    let run = |line: String| LifecycleHandler {
        exec: Some(ExecAction { command: Some(vec!["sh".into(), "-c".into(), line]) }),
        ..LifecycleHandler::default()
    };
    Lifecycle {
        pre_stop: (m.pool.pre_stop_sleep > 0).then(|| run(format!("sleep {} || true", m.pool.pre_stop_sleep))),
        post_start: (!m.process.after.is_empty()).then(|| run(m.process.after.join(" && "))),
        ..Lifecycle::default()
    }
}
