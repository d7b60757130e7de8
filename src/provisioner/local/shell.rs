//! A shell on a terminal of its own.

use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
};

use pty_process::{Pty, Size};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    exec::{self, Run, Within},
    launch,
    shared::Shared,
};
use crate::{
    error::{Error, Result},
    provisioner::{Shell, ShellRequest},
};

/// bash where there is one.
const COMMAND: &str = "if command -v bash >/dev/null 2>&1; then exec bash -i; else exec sh -i; fi";

/// Opens a shell in a unit's environment.
pub fn open(shared: &Arc<Shared>, request: &ShellRequest) -> Result<Shell> {
    let wanted = shared.deployed(&request.app)?;
    let unit = if request.isolated { None } else { exec::of_unit(shared, &request.app, request.unit.as_deref())? };
    let within = match unit {
        Some(unit) => unit,
        None => Within::fresh(exec::main(&wanted)?),
    };
    let (master, slave, path) = terminal(request.size)?;
    let mut job = exec::job_of(shared, &request.app, within, vec![COMMAND.into()])?;
    let term = if request.term.is_empty() { "xterm" } else { &request.term };
    job.env.insert("TERM".into(), term.into());
    job.tty = Some(path);
    let run = Run::prepare(shared, job)?;
    let mut command = tokio::process::Command::from(launch::shim(shared));
    command.arg(&run.spec).stdin(Stdio::from(slave.try_clone()?)).stdout(Stdio::from(slave.try_clone()?)).stderr(Stdio::from(slave));
    let child = command.kill_on_drop(true).spawn()?;
    drop(command);
    let (input, typed) = mpsc::channel(64);
    let (printed, output) = mpsc::channel(64);
    tokio::spawn(carry(master, typed, printed, (run, child), shared.end.clone()));
    Ok(Shell { input, output })
}

/// A new terminal: our end, the other end, and that one's name.
fn terminal((columns, rows): (u16, u16)) -> Result<(Pty, OwnedFd, PathBuf)> {
    let failed = |e: pty_process::Error| Error::internal(format!("cannot open a terminal: {e}"));
    let (master, slave) = pty_process::open().map_err(failed)?;
    let (columns, rows) = (if columns == 0 { 80 } else { columns }, if rows == 0 { 24 } else { rows });
    master.resize(Size::new(rows, columns)).map_err(failed)?;
    let slave = slave.as_fd().try_clone_to_owned()?;
    let name = std::fs::read_link(format!("/proc/self/fd/{}", slave.as_raw_fd()))?;
    Ok((master, slave, name))
}

/// Until the shell ends, its user goes away, or the server ends. Closing our end of the terminal hangs up on everything at the other.
async fn carry(
    terminal: Pty,
    mut typed: mpsc::Receiver<Vec<u8>>,
    printed: mpsc::Sender<Vec<u8>>,
    (run, mut child): (Run, tokio::process::Child),
    end: CancellationToken,
) {
    let (mut from, mut to) = terminal.into_split();
    let input = async {
        while let Some(keys) = typed.recv().await {
            if to.write_all(&keys).await.is_err() {
                return;
            }
        }
    };
    let output = async {
        let mut bytes = vec![0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            if printed.send(bytes.get(..count).unwrap_or_default().to_vec()).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = input => {}
        () = output => {}
        () = printed.closed() => {}
        () = end.cancelled() => {}
    }
    drop((from, to));
    drop(printed);
    let grace = std::time::Duration::from_secs(3);
    if tokio::time::timeout(grace, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    drop(run);
}
