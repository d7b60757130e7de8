//! Commands and shells in units.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::SinkExt;
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Status};
use kube::{
    Api, Client, ResourceExt,
    api::{AttachParams, AttachedProcess, TerminalSize},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::{Duration, sleep},
};

use super::{Kubernetes, client::told, held::Held};
use crate::{
    error::{Error, Result},
    output::Output,
    provisioner::{Exec, RunRequest, Shell, ShellRequest},
};

/// Where apps have their environment and their code.
pub const ENTER: &str = "[ -f /home/application/apprc ] && . /home/application/apprc; \
                     [ -d /home/application/current ] && cd /home/application/current";
/// The best shell there is.
pub const SHELL: &str = "command -v bash >/dev/null && exec bash -l || exec sh -l";
/// A unit that has just been started has no container for a moment.
const TRIES: u32 = 30;

/// Runs a shell line in a unit and streams what it prints. A non-zero exit is an error that says the code.
pub async fn run(cluster: &str, client: &Client, pod: &Pod, line: &str, out: &Output) -> Result<()> {
    let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), format!("{ENTER}; {line}")];
    let asked = AttachParams { stdin: false, tty: false, ..AttachParams::default() };
    let mut process = start(cluster, client, pod, command, asked).await?;
    let (stdout, stderr, status) = (process.stdout(), process.stderr(), process.take_status());
    let show = async |from| {
        if let Some(from) = from {
            copy(from, |text| out.write(text)).await;
        }
    };
    futures_util::future::join(show(stdout), show(stderr)).await;
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    ended(cluster, status)
}

/// Opens a terminal in a container of a unit, in the first one unless another is named.
pub async fn shell(cluster: &str, client: &Client, pod: &Pod, container: Option<String>, request: &ShellRequest) -> Result<Shell> {
    let term = if request.term.is_empty() { "xterm" } else { &request.term };
    let script = format!("export TERM=\"$0\"; {ENTER}; {SHELL}");
    let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), script, term.to_owned()];
    let asked = AttachParams { container, ..AttachParams::interactive_tty() };
    let mut process = start(cluster, client, pod, command, asked).await?;
    resize(&mut process, request.size).await;
    let typed = process.stdin();
    Ok(carried(process, typed, None))
}

/// Gives the terminal of a process this size.
pub async fn resize(process: &mut AttachedProcess, (width, height): (u16, u16)) {
    if let Some(mut size) = process.terminal_size()
        && width > 0
        && height > 0
    {
        // The shell may be over already; then there is nothing to size.
        size.send(TerminalSize { width, height }).await.ok();
    }
}

/// A process as a shell: keystrokes go to `to`. What is held is let go with it.
pub fn carried(process: AttachedProcess, to: Option<impl AsyncWrite + Send + Unpin + 'static>, held: Option<Held>) -> Shell {
    let (input, typed) = mpsc::channel(64);
    let (printed, output) = mpsc::channel(64);
    tokio::spawn(async move {
        carry(process, to, typed, printed).await;
        drop(held);
    });
    Shell { input, output }
}

/// Keystrokes in, bytes out, until either side ends; then the shell ends too.
async fn carry(
    mut process: AttachedProcess,
    to: Option<impl AsyncWrite + Unpin>,
    mut typed: mpsc::Receiver<Vec<u8>>,
    printed: mpsc::Sender<Vec<u8>>,
) {
    let (Some(mut to), Some(mut from)) = (to, process.stdout()) else { return };
    let mut piece = vec![0; 16 << 10];
    loop {
        tokio::select! {
            keys = typed.recv() => match keys {
                Some(keys) if to.write_all(&keys).await.is_ok() && to.flush().await.is_ok() => {}
                _ => break,
            },
            read = from.read(&mut piece) => match read {
                Ok(count) if count > 0 => {
                    if printed.send(piece.get(..count).unwrap_or_default().to_vec()).await.is_err() {
                        break;
                    }
                }
                _ => break,
            },
        }
    }
    process.abort();
}

async fn start(cluster: &str, client: &Client, pod: &Pod, command: Vec<String>, asked: AttachParams) -> Result<AttachedProcess> {
    let first = || pod.spec.as_ref().and_then(|spec| spec.containers.first()).map(|container| container.name.clone());
    let asked = AttachParams { container: asked.container.or_else(first), ..asked };
    let api = Api::<Pod>::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    let mut tries = 0;
    loop {
        tries += 1;
        match api.exec(&pod.name_any(), command.clone(), &asked).await {
            Ok(process) => return Ok(process),
            Err(e) if tries < TRIES && e.to_string().contains("container not found") => sleep(Duration::from_secs(1)).await,
            Err(e) => return Err(told(cluster, &e)),
        }
    }
}

/// Gives text as it comes; a character that is cut in two is put together again.
async fn copy(mut from: impl AsyncRead + Unpin, write: impl Fn(&str)) {
    let (mut piece, mut rest) = (vec![0; 16 << 10], Vec::new());
    while let Ok(count) = from.read(&mut piece).await {
        if count == 0 {
            break;
        }
        rest.extend_from_slice(piece.get(..count).unwrap_or_default());
        let whole = match std::str::from_utf8(&rest) {
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            _ => rest.len(),
        };
        let part: Vec<u8> = rest.drain(..whole).collect();
        write(&String::from_utf8_lossy(&part));
    }
    if !rest.is_empty() {
        write(&String::from_utf8_lossy(&rest));
    }
}

fn ended(cluster: &str, status: Option<Status>) -> Result<()> {
    let Some(status) = status else { return Err(Error::unavailable(format!("cluster {cluster:?}: the connection to the unit broke"))) };
    if status.status.as_deref() != Some("Failure") {
        return Ok(());
    }
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    match causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode")) {
        Some(code) => Err(Error::refused(format!("command terminated with exit code {}", code.message.as_deref().unwrap_or("?")))),
        None => Err(Error::refused(status.message.unwrap_or_default())),
    }
}

/// Pods that a command can be run in: those that run.
pub fn running(pods: Vec<Arc<Pod>>) -> Vec<Arc<Pod>> {
    let runs = |pod: &Arc<Pod>| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
    pods.into_iter().filter(|pod| runs(pod) && super::unit::of(pod).is_some()).collect()
}

#[async_trait]
impl Exec for Kubernetes {
    async fn run(&self, request: RunRequest, out: &Output) -> Result<()> {
        let pods = self.running(&request.app).await?;
        if let Some(fresh) = request.fresh.as_ref().filter(|_| request.isolated) {
            return self.run_beside(fresh, &request.command, out).await;
        }
        if pods.is_empty() {
            return Err(Error::refused("App must be available to run non-isolated commands"));
        }
        for pod in pods.iter().take(if request.once { 1 } else { usize::MAX }) {
            run(&self.spec.name, &self.client, pod, &request.command, out).await?;
        }
        Ok(())
    }

    async fn shell(&self, request: ShellRequest) -> Result<Shell> {
        let pods = self.running(&request.app).await?;
        let pod = match &request.unit {
            Some(unit) => pods.into_iter().find(|pod| pod.name_any() == *unit),
            None => pods.into_iter().next(),
        };
        match (pod, &request.fresh) {
            (Some(pod), _) if !request.isolated => {
                let container = if request.debug { Some(self.debugger(&pod).await?) } else { None };
                shell(&self.spec.name, &self.client, &pod, container, &request).await
            }
            (None, _) if request.unit.is_some() && !request.isolated => Err(Error::refused("the unit does not run")),
            (_, Some(fresh)) => self.shell_beside(fresh, &request).await,
            (_, None) => Err(Error::internal("nothing to open a shell in")),
        }
    }
}
