//! Commands and shells beside the units: a pod of their own, which goes when they end.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Api,
    api::{AttachParams, PostParams},
};
use tokio::{
    io::AsyncWriteExt,
    time::{sleep, timeout},
};

use super::{
    Kubernetes,
    client::{SHORT, innermost, passes},
    exec::{self, ENTER, SHELL},
    held::Held,
    isolation::Isolated,
    objects::{
        Making, Spot, account,
        isolated::{self, Beside},
        names, namespace, pull_secret,
    },
    pod_log::PodLog,
};
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{AppState, Shell, ShellRequest},
};

/// A command is ended after so many seconds, also when nobody is there any more to end it.
const COMMAND: i64 = 15 * 60;
/// A shell.
const TERMINAL: i64 = 24 * 60 * 60;
/// Until the pod runs, at most.
const STARTS: Duration = Duration::from_secs(5 * 60);
/// After a connection broke.
const AGAIN: Duration = Duration::from_secs(1);
/// Until the cluster says how a container ended whose output has ended.
const ENDS: Duration = Duration::from_secs(30);
/// Reasons to wait that waiting does not end.
const HOPELESS: [&str; 6] = [
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

impl Kubernetes {
    /// Runs a shell line in a pod of its own and streams what it prints.
    pub(super) async fn run_beside(&self, fresh: &AppState, line: &str, out: &Output) -> Result<()> {
        let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), format!("{ENTER}; {line}")];
        let held = self.pod_beside(fresh, &command, false).await?;
        let ran = async {
            let pod = self.started(&held).await?;
            self.print(&held, &pod, out).await?;
            self.code(&held).await
        };
        let ran = ran.await;
        held.remove().await;
        ran
    }

    /// Opens a terminal in a pod of its own, which goes with it.
    pub(super) async fn shell_beside(&self, fresh: &AppState, request: &ShellRequest) -> Result<Shell> {
        let term = if request.term.is_empty() { "xterm" } else { &request.term };
        // It begins when somebody listens: else its first words are lost.
        let script = format!("read -r _; export TERM=\"$0\"; {ENTER}; {SHELL}");
        let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), script, term.to_owned()];
        let held = self.pod_beside(fresh, &command, true).await?;
        self.started(&held).await?;
        let mut process = held.api().attach(held.name(), &AttachParams::interactive_tty()).await.map_err(|e| self.told(&e))?;
        exec::resize(&mut process, request.size).await;
        if let Some(mut to) = process.stdin() {
            to.write_all(b"\n").await.ok();
            return Ok(exec::carried(process, Some(to), Some(held)));
        }
        Err(Error::unavailable(format!("cluster {:?}: the connection to the pod broke", self.spec.name)))
    }

    async fn pod_beside(&self, fresh: &AppState, command: &[String], terminal: bool) -> Result<Held> {
        let process = fresh.processes.first().ok_or_else(|| Error::internal("nothing to run a command in"))?;
        let name = names::isolated(&fresh.app, &format!("{:08x}", rand::random::<u32>()));
        let pool = self.spec.settings.pool(&fresh.place.pool.name)?;
        let namespace = self.spec.settings.namespace(self.server.pool_namespaces, &fresh.place.pool.name);
        let spot = Spot { name: name.clone(), namespace, base: true, ..Spot::default() };
        let m = Making { app: fresh, process, spot: &spot, pool: &pool, server: &self.server };
        self.prepare(&m).await?;
        let deadline = if terminal { TERMINAL } else { COMMAND };
        let mut pod = isolated::of(&m, &Beside { name: &name, command, terminal, deadline })?;
        Held::mark(&mut pod);
        let api = Api::<Pod>::namespaced(self.client.clone(), &spot.namespace);
        // Before it is made: an answer that is lost leaves a pod that must go too.
        let held = Held::new(api.clone(), &fresh.app, name);
        let usual = PostParams::default();
        let made = self.writer(SHORT).asked(|| api.create(&usual, &pod)).await;
        match made {
            Err(e) if self.writer(SHORT).get(&api, held.name()).await?.is_none() => Err(e),
            _ => Ok(held),
        }
    }

    /// What a pod of an app refers to is there.
    async fn prepare(&self, m: &Making<'_>) -> Result<()> {
        let (writer, namespace) = (self.writer(SHORT), m.spot.namespace.as_str());
        let labels = self.spec.settings.namespace_labels(namespace);
        writer.ensure_there(&Api::all(self.client.clone()), &namespace::namespace(namespace, labels)).await?;
        let accounts = Api::namespaced(self.client.clone(), namespace);
        writer.ensure_there(&accounts, &account::of_app(m.app, namespace)).await?;
        if m.pool.isolation {
            let (client, server, pool) = (&self.client, &*self.server, m.app.place.pool.name.as_str());
            Isolated { client, writer, server, namespace, pool }.ensure(&m.app.place.team).await?;
        }
        if pull_secret::references(m, &m.process.pod.image).is_some() {
            writer.ensure(&Api::<Secret>::namespaced(self.client.clone(), namespace), &pull_secret::secret(m)?).await?;
        }
        Ok(())
    }

    /// Waits until the pod runs, or ran.
    async fn started(&self, held: &Held) -> Result<Arc<Pod>> {
        let patience = STARTS.min(self.server.times.pod_running);
        let started = |pod: &Pod| if phase(pod) == "Pending" { hopeless(pod).map(Err) } else { Some(Ok(())) };
        self.until(held, patience, started).await
    }

    /// Waits until `look` is satisfied with the pod, or refuses it.
    async fn until(&self, held: &Held, patience: Duration, look: impl Fn(&Pod) -> Option<Result<()>>) -> Result<Arc<Pod>> {
        let (mut changes, mut last) = (self.pods.changes(), None);
        let watching = async {
            loop {
                changes.borrow_and_update();
                match held.seen(&self.pods) {
                    Some(pod) => match look(&pod) {
                        Some(Ok(())) => return Ok(pod),
                        Some(Err(e)) => return Err(e),
                        None => last = Some(pod),
                    },
                    None if last.is_some() => return Err(Error::refused(format!("the pod {:?} was removed", held.name()))),
                    None => {}
                }
                if changes.changed().await.is_err() {
                    return Err(Error::unavailable(self.trouble_text()));
                }
            }
        };
        let found = timeout(patience, watching).await;
        found.unwrap_or_else(|_| Err(Error::refused(format!("the pod {:?} is not there in time{}", held.name(), why(last.as_deref())))))
    }

    /// Prints what the pod prints until its container ends, whatever happens to the connection.
    async fn print(&self, held: &Held, pod: &Pod, out: &Output) -> Result<()> {
        let mut log = PodLog::of(&self.client, pod);
        let mut over = false;
        loop {
            match log.open(None, true).await {
                Ok(()) => {
                    while let Ok(Some(printed)) = log.next().await {
                        out.line(&printed.text);
                    }
                }
                Err(e) if passes(&e) => {}
                Err(e) => return Err(Error::refused(format!("cluster {:?}: {}", self.spec.name, innermost(&e)))),
            }
            // What was printed last is read once more after the end.
            if over {
                return Ok(());
            }
            over = held.seen(&self.pods).is_none_or(|pod| ended(&pod).is_some());
            if !over {
                sleep(AGAIN).await;
            }
        }
    }

    /// How its command ended.
    async fn code(&self, held: &Held) -> Result<()> {
        let pod = self.until(held, ENDS, |pod| ended(pod).map(|_| Ok(()))).await?;
        match ended(&pod) {
            Some(Ended::Code(0)) => Ok(()),
            Some(Ended::Code(code)) => Err(Error::refused(format!("command terminated with exit code {code}"))),
            _ => Err(Error::refused(format!("the command was ended by the cluster{}", why(Some(&pod))))),
        }
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}

/// How a pod's container ended.
#[derive(Debug, PartialEq)]
enum Ended {
    /// By itself.
    Code(i32),
    /// The pod with it, at its deadline or with its node.
    Otherwise,
}

fn ended(pod: &Pod) -> Option<Ended> {
    let states = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let code = states.filter_map(|container| container.state.as_ref()?.terminated.as_ref()).map(|end| end.exit_code).next();
    let failed = pod.status.as_ref().and_then(|status| status.reason.as_ref()).is_some();
    match code {
        Some(code) if !failed => Some(Ended::Code(code)),
        Some(_) => Some(Ended::Otherwise),
        None => ["Succeeded", "Failed"].contains(&phase(pod)).then_some(Ended::Otherwise),
    }
}

/// What waiting does not change.
fn hopeless(pod: &Pod) -> Option<Error> {
    let states = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut waiting = states.filter_map(|container| container.state.as_ref()?.waiting.as_ref());
    let why = waiting.find(|waiting| waiting.reason.as_deref().is_some_and(|reason| HOPELESS.contains(&reason)))?;
    let text = why.message.as_deref().unwrap_or_default();
    Some(Error::refused(format!("the pod cannot be started: {}: {text}", why.reason.as_deref().unwrap_or_default())))
}

/// The last words of a pod: `: DeadlineExceeded: Pod was active too long`.
fn why(pod: Option<&Pod>) -> String {
    let Some(status) = pod.and_then(|pod| pod.status.as_ref()) else { return String::new() };
    let condition = status.conditions.iter().flatten().find(|condition| condition.status != "True" && condition.message.is_some());
    let said = [status.reason.clone(), status.message.clone().or_else(|| condition.and_then(|condition| condition.message.clone()))];
    said.into_iter().flatten().map(|word| format!(": {word}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "a"}, "status": status})).unwrap()
    }

    fn with(state: Value) -> Value {
        json!([{"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state}])
    }

    #[test]
    fn an_end_has_a_code_unless_the_cluster_brought_it_about() {
        let code = with(json!({"terminated": {"exitCode": 3}}));
        assert_eq!(ended(&pod(json!({"phase": "Failed", "containerStatuses": code}))), Some(Ended::Code(3)));
        let late = pod(json!({"phase": "Failed", "reason": "DeadlineExceeded", "message": "too long", "containerStatuses": code}));
        assert_eq!((ended(&late), why(Some(&late)).as_str()), (Some(Ended::Otherwise), ": DeadlineExceeded: too long"));
        assert_eq!(ended(&pod(json!({"phase": "Running", "containerStatuses": with(json!({"running": {}}))}))), None);
    }

    #[test]
    fn a_pod_that_cannot_be_started_says_why() {
        let waits = |reason: &str| {
            pod(json!({"phase": "Pending", "containerStatuses": with(json!({"waiting": {"reason": reason, "message": "no such image"}}))}))
        };
        assert_eq!(hopeless(&waits("ImagePullBackOff")).unwrap().to_string(), "the pod cannot be started: ImagePullBackOff: no such image");
        assert!(hopeless(&waits("ContainerCreating")).is_none());
    }
}
