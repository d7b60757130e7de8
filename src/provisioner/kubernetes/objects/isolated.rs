//! The pod of a command that runs beside the units, with their environment.

use k8s_openapi::api::core::v1::{Container, Pod, PodSecurityContext, PodSpec};

use super::{
    Making, env, labels, meta, names, node, pull_secret,
    resources::{self, Size},
};
use crate::{error::Result, provisioner::kubernetes::settings::Factors};

/// Without a terminal the command waits for a byte, so that nothing it says is lost before somebody listens.
const WAIT: [&str; 3] = ["sh", "-c", "cat >/dev/null && exec $0 \"$@\""];

/// A pod that runs `command` once. `name` tells it from others of the app; `terminal`: somebody types.
pub fn of(m: &Making<'_>, name: &str, command: &[String], terminal: bool) -> Result<Pod> {
    let nodes = node::of(m)?;
    let wait = WAIT.iter().filter(|_| !terminal).map(|word| (*word).to_owned());
    let size = Size { memory: m.process.memory, cpu_milli: m.process.cpu_milli.into(), burst: m.process.pod.cpu_burst };
    let alone = Factors { both: 1.0, cpu: 0.0, memory: 0.0, ..m.pool.factors };
    let container = Container {
        name: name.into(),
        image: Some(m.process.pod.image.clone()),
        command: Some(wait.chain(command.iter().cloned()).collect()),
        // A pod of its own has no secret to refer to.
        env: Some(env::container(&env::vars(m), "", true)),
        stdin: Some(true),
        stdin_once: Some(true),
        tty: Some(terminal),
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
        containers: vec![container],
        ..PodSpec::default()
    };
    Ok(Pod { metadata: meta(name, &m.spot.namespace, labels::isolated(m)), spec: Some(spec), status: None })
}
