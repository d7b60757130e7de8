//! A unit as the router sees it, with a count of the requests that it is answering.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// Where requests go.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// To a process.
    Port(SocketAddr),
    /// To files, answered by the router itself.
    Files(PathBuf),
}

/// A ready unit.
#[derive(Debug)]
pub struct Backend {
    /// Where.
    pub target: Target,
    closed: AtomicBool,
    busy: AtomicUsize,
    idle: Notify,
}

impl Backend {
    /// Open for requests.
    pub fn new(target: Target) -> Arc<Self> {
        Arc::new(Self { target, closed: AtomicBool::new(false), busy: AtomicUsize::new(0), idle: Notify::new() })
    }

    /// Takes a request on, unless it is closed. Counted before it looks, so that `drain` sees it or it sees `drain`.
    pub fn take(self: &Arc<Self>) -> Option<Busy> {
        self.busy.fetch_add(1, SeqCst);
        let busy = Busy(self.clone());
        (!self.closed.load(SeqCst)).then_some(busy)
    }

    /// Takes no more requests, and waits until those under way have ended, or for so long.
    pub async fn drain(&self, patience: Duration) {
        self.closed.store(true, SeqCst);
        let ended = async {
            loop {
                let idle = self.idle.notified();
                if self.busy.load(SeqCst) == 0 {
                    return;
                }
                idle.await;
            }
        };
        let _ = tokio::time::timeout(patience, ended).await;
    }
}

/// A request under way; it ends when dropped.
#[derive(Debug)]
pub struct Busy(Arc<Backend>);

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, SeqCst) == 1 {
            self.0.idle.notify_waiters();
            self.0.idle.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_unit_takes_nothing_and_ends_what_it_took() {
        let backend = Backend::new(Target::Files("/x".into()));
        let busy = backend.take().unwrap();
        let other = backend.clone();
        let drained = tokio::spawn(async move { other.drain(Duration::from_secs(60)).await });
        while backend.take().is_some() {
            tokio::task::yield_now().await;
        }
        assert!(!drained.is_finished());
        drop(busy);
        tokio::time::timeout(Duration::from_secs(30), drained).await.unwrap().unwrap();
    }
}
