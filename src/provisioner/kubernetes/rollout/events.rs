//! What happens in a namespace, told as it happens.

use std::{collections::HashSet, time::Duration};

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Event;
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::site::Site;

/// Events that wait to be told.
const WAITING: usize = 1000;
/// For the list of what happened before. A rollout does not fail because nothing of it can be told.
const FIRST: Duration = Duration::from_secs(10);

/// What happens from now on.
pub struct Events(mpsc::Receiver<Event>);

impl Events {
    /// Begins to listen, when that is wanted.
    pub async fn start(site: &Site, namespace: &str, wanted: bool) -> Self {
        let (to, from) = mpsc::channel(WAITING);
        if wanted {
            let (ready, listens) = oneshot::channel();
            tokio::spawn(follow(site.api(namespace), to, ready));
            // Without it, events of before may be told too.
            timeout(FIRST, listens).await.ok();
        }
        Self(from)
    }

    /// The next one; waits for ever when there are none any more.
    pub async fn next(&mut self) -> Event {
        match self.0.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Those that are there by now.
    pub fn waiting(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

async fn follow(api: Api<Event>, to: mpsc::Sender<Event>, ready: oneshot::Sender<()>) {
    let mut stream = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
    let mut ready = Some(ready);
    // What was seen already, also by a list after a watch that broke.
    let mut seen = HashSet::new();
    loop {
        let next = tokio::select! {
            () = to.closed() => return,
            next = stream.next() => next,
        };
        let event = match next {
            Some(Ok(watcher::Event::InitApply(event) | watcher::Event::Apply(event))) => event,
            Some(Ok(watcher::Event::InitDone)) => {
                // Nobody waits any more when that took too long.
                ready.take().map(|ready| ready.send(()).ok());
                continue;
            }
            Some(_) => continue,
            None => return,
        };
        let is_new = seen.insert((event.uid(), event.resource_version()));
        if is_new && ready.is_none() && to.try_send(event).is_err() {
            tracing::debug!("an event is not told: too many wait");
        }
    }
}
