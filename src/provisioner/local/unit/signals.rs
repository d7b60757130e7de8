//! Signals as something to read: they are blocked, so that none is lost and none interrupts.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};

use super::step;
use crate::error::{Error, Result};

/// The blocked signals of this process.
#[derive(Debug)]
pub struct Signals(SignalFd);

/// A server that was started in the background (`&`, nohup) ignores some signals, and what is ignored stays so in every process below:
/// Ctrl-C would do nothing in an app's shell. What is caught is back at its default in a new program, so the shim catches them all.
fn reset_for_children() -> Result<()> {
    let inherited = [SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2];
    inherited.into_iter().try_for_each(|signal| signal_hook::flag::register(signal, Arc::default()).map(drop)).map_err(Error::internal)
}

impl Signals {
    /// Blocks what the shim listens to.
    pub fn block() -> Result<Self> {
        reset_for_children()?;
        let set: SigSet =
            [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGTTOU].into_iter().collect();
        step("block signals", set.thread_block())?;
        step("read signals", SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)).map(Self)
    }

    /// The next pending one.
    pub fn next(&self) -> Option<Signal> {
        let info = self.0.read_signal().ok()??;
        Signal::try_from(info.ssi_signo as i32).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
