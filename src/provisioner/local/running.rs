//! One unit: its process is started, watched, started again when it dies, and ended on purpose.

use std::{path::PathBuf, sync::Arc, time::Duration};

use nix::sys::signal::Signal;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    app::App,
    file, launch,
    process::Identity,
    ready::{self, Verdict},
    route::{Backend, Target},
    shared::Shared,
    spec::Record,
    watch_exit,
};
use crate::{
    clock::Time,
    error::Result,
    provisioner::{ProcessState, Unit, UnitStatus},
};

/// Before a unit that died is started again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A unit that lived so long starts with the first pause again.
const HEALTHY: Duration = Duration::from_secs(120);
/// The shim ends its unit within ten seconds of a SIGTERM; this is for a shim that does not.
const SHIM_GRACE: Duration = Duration::from_secs(15);

/// A unit.
#[derive(Debug)]
pub struct Running {
    /// Who it is.
    pub record: Record,
    /// What it runs.
    pub process: ProcessState,
    /// Its folder.
    pub folder: PathBuf,
    /// How it is run.
    pub kind: Kind,
    live: watch::Sender<Live>,
    stop: CancellationToken,
    force: CancellationToken,
}

/// How a unit is run.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A process.
    Process,
    /// Files that the router serves.
    Files(PathBuf),
}

/// How it is now.
#[derive(Clone, Debug)]
pub struct Live {
    /// State.
    pub status: UnitStatus,
    /// Why it fails.
    pub reason: String,
    /// Starts after the first.
    pub restarts: u32,
    /// Its shim.
    pub identity: Option<Identity>,
    /// Where requests reach it, when it is ready.
    pub backend: Option<Arc<Backend>>,
}

impl Running {
    /// Not started yet.
    pub fn new(record: Record, process: ProcessState, folder: PathBuf, kind: Kind) -> Arc<Self> {
        let live = Live { status: UnitStatus::Created, reason: String::new(), restarts: 0, identity: None, backend: None };
        let (stop, force) = (CancellationToken::new(), CancellationToken::new());
        Arc::new(Self { record, process, folder, kind, live: watch::Sender::new(live), stop, force })
    }

    /// How it is now.
    pub fn now(&self) -> Live {
        self.live.borrow().clone()
    }

    /// To wait for changes.
    pub fn changes(&self) -> watch::Receiver<Live> {
        self.live.subscribe()
    }

    /// Where requests reach it, when it is ready.
    pub fn backend(&self) -> Option<Arc<Backend>> {
        self.live.borrow().backend.clone()
    }

    /// Asks it to end; see [`Running::stopped`].
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.force.cancel();
        self.stop.cancel();
    }

    /// Waits until nothing of it is left.
    pub async fn stopped(&self) {
        let _ = self.changes().wait_for(|live| live.status == UnitStatus::Stopped).await;
    }

    /// As the API shows it.
    pub fn show(&self, routable: bool) -> Unit {
        let live = self.now();
        let ready = live.status == UnitStatus::Started;
        Unit {
            id: self.record.id.clone(),
            app: self.record.app.clone(),
            process: self.record.process.clone(),
            version: self.record.version,
            status: live.status,
            reason: live.reason,
            ip: "127.0.0.1".into(),
            internal_ip: "127.0.0.1".into(),
            port: (self.kind == Kind::Process).then_some(self.record.port),
            routable,
            ready,
            restarts: live.restarts,
            created_at: Time::from_millis(self.record.created_at),
        }
    }

    fn set(&self, change: impl FnOnce(&mut Live)) {
        self.live.send_modify(change);
    }
}

/// Holds a unit up until it is to stop. When the server ends, the unit goes on for the next server.
pub async fn supervise(shared: Arc<Shared>, app: Arc<App>, unit: Arc<Running>, adopted: Option<Identity>) {
    let ended = match unit.kind.clone() {
        Kind::Files(root) => serve_files(&shared, &app, &unit, root).await,
        Kind::Process => shared.end.run_until_cancelled(keep_up(&shared, &app, &unit, adopted)).await.is_some(),
    };
    if ended {
        let (folder, port) = (unit.folder.clone(), unit.record.port);
        let _ = tokio::task::spawn_blocking(move || file::remove_folder(&folder)).await;
        shared.ports.give_back(port);
        unit.set(|live| {
            live.status = UnitStatus::Stopped;
            live.backend = None;
            live.identity = None;
        });
        app.reroute(&shared.gate.table);
    }
}

async fn serve_files(shared: &Shared, app: &App, unit: &Running, root: PathBuf) -> bool {
    unit.set(|live| {
        live.status = UnitStatus::Started;
        live.backend = Some(Backend::new(Target::Files(root)));
    });
    app.reroute(&shared.gate.table);
    tokio::select! {
        () = shared.end.cancelled() => false,
        () = unit.stop.cancelled() => true,
    }
}

/// Starts it again and again until it is to stop.
async fn keep_up(shared: &Arc<Shared>, app: &App, unit: &Arc<Running>, mut adopted: Option<Identity>) {
    let mut pause = FIRST_PAUSE;
    while !unit.stop.is_cancelled() {
        let started = tokio::time::Instant::now();
        let reason = match one_life(shared, app, unit, adopted.take()).await {
            Ok(code) => match (launch::complaint(&unit.folder), code) {
                (Some(complaint), _) => complaint,
                (None, Some(code)) => format!("exitCode: {code}"),
                (None, None) => "killed".into(),
            },
            Err(e) => e.to_string(),
        };
        if unit.stop.is_cancelled() {
            return;
        }
        tracing::warn!(unit = unit.record.id, reason, "unit ended");
        unit.set(|live| {
            live.status = UnitStatus::Error;
            live.reason = reason;
            live.backend = None;
            live.identity = None;
        });
        app.reroute(&shared.gate.table);
        if started.elapsed() > HEALTHY {
            pause = FIRST_PAUSE;
        }
        let _ = tokio::time::timeout(pause, unit.stop.cancelled()).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        unit.set(|live| live.restarts += 1);
    }
}

/// From start to exit code. An exit without a code is a shim that was killed.
async fn one_life(shared: &Arc<Shared>, app: &App, unit: &Arc<Running>, adopted: Option<Identity>) -> Result<Option<u8>> {
    let (identity, child) = match adopted {
        Some(identity) => (identity, None),
        None => {
            unit.set(|live| live.status = UnitStatus::Starting);
            let (identity, child) = launch::unit(shared, unit)?;
            (identity, Some(child))
        }
    };
    unit.set(|live| {
        live.status = UnitStatus::Starting;
        live.identity = Some(identity.clone());
    });
    let exit = watch_exit::exit(&identity, child, &unit.folder);
    tokio::pin!(exit);
    tokio::select! {
        code = &mut exit => return code,
        () = unit.stop.cancelled() => {}
        () = look_after(shared, app, unit, &identity) => {}
    }
    end(unit, &identity, &mut exit).await
}

/// Makes it known when it is ready, and no longer. Ends when the unit should be started anew.
async fn look_after(shared: &Arc<Shared>, app: &App, unit: &Arc<Running>, identity: &Identity) {
    let mut watch = ready::Watch::new(shared.clone(), unit.clone());
    loop {
        match watch.next().await {
            Verdict::Ready(backend) => unit.set(|live| {
                live.status = UnitStatus::Started;
                live.reason.clear();
                live.backend = Some(backend);
            }),
            Verdict::Waiting(reason) => unit.set(|live| live.reason = reason),
            Verdict::Unready(reason) => unit.set(|live| {
                live.status = UnitStatus::Error;
                live.reason = reason;
                live.backend = None;
            }),
            Verdict::Restart => return tracing::warn!(unit = unit.record.id, pid = identity.pid, "unhealthy unit is started anew"),
        }
        app.reroute(&shared.gate.table);
    }
}

/// Ends it: politely, then by force.
async fn end(unit: &Running, identity: &Identity, exit: &mut (impl Future<Output = Result<Option<u8>>> + Unpin)) -> Result<Option<u8>> {
    identity.signal(Signal::SIGTERM);
    tokio::select! {
        code = &mut *exit => return code,
        () = unit.force.cancelled() => {}
        () = tokio::time::sleep(SHIM_GRACE) => {}
    }
    // The shim ends its tree and waits for it; killed itself, the kernel does.
    identity.signal(Signal::SIGQUIT);
    if let Ok(code) = tokio::time::timeout(Duration::from_secs(3), &mut *exit).await {
        return code;
    }
    identity.signal(Signal::SIGKILL);
    exit.await
}
