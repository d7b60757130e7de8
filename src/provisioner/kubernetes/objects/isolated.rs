//! The pod of a command that runs beside the units, with their environment.

use k8s_openapi::api::core::v1::{Container, Pod, PodSecurityContext, PodSpec};

use super::{
    Making, env, isolation, labels, meta, names, node, pull_secret,
    resources::{self, Size},
};
use crate::{error::Result, provisioner::kubernetes::settings::Factors};

/// Seconds to end in.
const GRACE: i64 = 1;

/// What runs beside the units.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// Tells the pod from others of the app.
    pub name: &'a str,
    /// What it runs once.
    pub command: &'a [String],
    /// Somebody types.
    pub terminal: bool,
    /// Seconds after which it is ended.
    pub deadline: i64,
}

/// A pod for it.
pub fn of(m: &Making<'_>, beside: &Beside<'_>) -> Result<Pod> {
    let nodes = node::of(m)?;
    let typed = beside.terminal.then_some(true);
    let size = Size { memory: m.process.memory, cpu_milli: m.process.cpu_milli.into(), burst: m.process.pod.cpu_burst };
    let alone = Factors { both: 1.0, cpu: 0.0, memory: 0.0, ..m.pool.factors };
    let container = Container {
        name: beside.name.into(),
        image: Some(m.process.pod.image.clone()),
        command: Some(beside.command.to_vec()),
        // A pod of its own has no secret to refer to.
        env: Some(env::container(&env::vars(m), "", true)),
        stdin: typed,
        stdin_once: typed,
        tty: typed,
        resources: Some(resources::of(size, &alone, &m.pool.ephemeral_storage)),
        ..Container::default()
    };
    let spec = PodSpec {
        affinity: nodes.affinity,
        node_selector: nodes.selector,
        enable_service_links: Some(false),
        image_pull_secrets: pull_secret::references(m, &m.process.pod.image),
        security_context: Some(PodSecurityContext { run_as_user: m.server.uid, ..PodSecurityContext::default() }),
        service_account_name: Some(names::account(&m.app.app)),
        restart_policy: Some("Never".into()),
        active_deadline_seconds: Some(beside.deadline),
        termination_grace_period_seconds: Some(GRACE),
        containers: vec![container],
        ..PodSpec::default()
    };
    Ok(Pod {
        metadata: meta(beside.name, &m.spot.namespace, labels::isolated(m)),
        spec: Some(isolation::harden(spec, m.pool)),
        status: None,
    })
}
