//! The outer process: pid file, log, exit code.

use std::{
    fs::{self, File},
    io::Read,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, unshare},
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, getgid, getuid, setsid},
};

use super::{BROKEN, INSIDE, command::exit_code, mounts::write_id_maps, signals::Signals, step};
use crate::{
    clock::Time,
    error::{Error, Result},
    provisioner::local::{
        log::{Entry, Splitter, append::append},
        process::Identity,
        spec::{EXIT, LogTarget, PID, Spec},
    },
};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a unit to its end.
pub fn run(path: &Path) -> Result<u8> {
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    // Fails for a leader of its own group: then it is as free of its parent's terminal as needed.
    let _ = setsid();
    claim(&folder)?;
    let code = supervise(path).unwrap_or_else(|e| {
        eprintln!("unit: {}", super::detail(&e));
        BROKEN
    });
    fs::write(folder.join(EXIT), code.to_string())?;
    Ok(code)
}

/// Writes the pid file, whole and only once: of two shims of one unit the second ends, and so does one whose unit is gone.
fn claim(folder: &Path) -> Result<()> {
    let me = i32::try_from(std::process::id()).map_err(Error::internal)?;
    let identity = Identity::of(me).ok_or_else(|| Error::internal("no /proc"))?;
    let draft = folder.join(format!("{PID}.{me}"));
    step("write the pid file", fs::write(&draft, serde_json::to_vec(&identity).map_err(Error::internal)?))?;
    let claimed = fs::hard_link(&draft, folder.join(PID));
    fs::remove_file(&draft)?;
    step("claim the unit", claimed)
}

fn supervise(path: &Path) -> Result<u8> {
    let spec = Spec::read(path)?;
    let signals = Signals::block()?;
    if let Some(unit) = &spec.enter {
        super::enter::outer(unit)?;
    } else if spec.sandbox.is_some() {
        let (uid, gid) = (getuid(), getgid());
        step("make a user namespace", unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID))?;
        write_id_maps(0, (uid, gid))?;
    } else {
        step("adopt orphans", nix::sys::prctl::set_child_subreaper(true))?;
    }
    let mut child = step("start the inner shim", inner(path, &spec).spawn())?;
    let streams = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    let log = spec.log.map(|target| streams.into_iter().flatten().map(|fd| Stream::new(fd, &target)).collect());
    Watch { child, signals, streams: log.unwrap_or_default(), deadline: None }.run()
}

fn inner(path: &Path, spec: &Spec) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg("unit").arg(INSIDE).arg(path);
    if spec.log.is_some() {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    command
}

struct Watch {
    child: Child,
    signals: Signals,
    streams: Vec<Stream>,
    deadline: Option<Instant>,
}

impl Watch {
    /// Copies output to the log and forwards signals until the inner process and all output have ended.
    fn run(mut self) -> Result<u8> {
        let mut code = None;
        loop {
            if let Some(code) = code {
                self.streams.iter_mut().for_each(Stream::drain);
                return Ok(code);
            }
            self.wait()?;
            self.streams.retain_mut(Stream::copy);
            while let Some(signal) = self.signals.next() {
                self.forward(signal);
            }
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                self.forward(Signal::SIGQUIT);
            }
            code = self.ended();
        }
    }

    fn wait(&self) -> Result<()> {
        let streams = self.streams.iter().map(|stream| stream.file.as_fd());
        let mut fds: Vec<PollFd<'_>> = streams.chain([self.signals.as_fd()]).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
        let timeout = left.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        match poll(&mut fds, timeout) {
            Err(nix::errno::Errno::EINTR) | Ok(_) => Ok(()),
            Err(e) => Err(Error::internal(format!("poll: {e}"))),
        }
    }

    /// SIGTERM asks the app to end, with a deadline; SIGQUIT ends it at once.
    fn forward(&mut self, signal: Signal) {
        let to = match signal {
            Signal::SIGTERM | Signal::SIGINT => Signal::SIGTERM,
            Signal::SIGQUIT => Signal::SIGKILL,
            _ => return,
        };
        self.deadline = (to == Signal::SIGTERM).then(|| self.deadline.unwrap_or_else(|| Instant::now() + GRACE));
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), to);
        }
    }

    /// The inner process's exit code once it ended. Without a namespace its orphans come to us and are ended here.
    fn ended(&self) -> Option<u8> {
        let mut code = None;
        while let Ok(status) = waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            match status {
                WaitStatus::StillAlive => break,
                status if status.pid().is_some_and(|pid| pid.as_raw() == self.child.id() as i32) => code = exit_code(status),
                _ => {}
            }
        }
        code.inspect(|_| super::command::end_children())
    }
}

/// A pipe from the unit and where its lines go.
struct Stream {
    file: File,
    splitter: Splitter,
    folder: PathBuf,
    source: String,
    unit: String,
}

impl Stream {
    fn new(fd: OwnedFd, to: &LogTarget) -> Self {
        let (folder, source, unit) = (to.folder.clone(), to.source.clone(), to.unit.clone());
        Self { file: File::from(fd), splitter: Splitter::default(), folder, source, unit }
    }

    /// Copies what is there; false at the end.
    fn copy(&mut self) -> bool {
        if !self.readable() {
            return true;
        }
        let mut piece = vec![0; 64 << 10];
        match self.file.read(&mut piece) {
            Ok(0) | Err(_) => {
                let rest = self.splitter.rest().into_iter().collect();
                self.write(rest);
                false
            }
            Ok(count) => {
                piece.truncate(count);
                let lines = self.splitter.push(&piece);
                self.write(lines);
                true
            }
        }
    }

    fn readable(&self) -> bool {
        let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// What is left after the unit ended. Never waits: outside of a namespace a stranger may still hold the pipe.
    fn drain(&mut self) {
        while self.readable() && self.copy() {}
        let rest = self.splitter.rest().into_iter().collect();
        self.write(rest);
    }

    /// A full disk loses lines, not the unit.
    fn write(&self, lines: Vec<String>) {
        let millis = Time::now().millis();
        let entry = |text| Entry { millis, source: self.source.clone(), unit: self.unit.clone(), text };
        let entries: Vec<Entry> = lines.into_iter().map(entry).collect();
        let _ = append(&self.folder, &entries);
    }
}
